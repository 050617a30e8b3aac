# The operator. docker build -t blastdoor:0.1.0 . && kind load docker-image blastdoor:0.1.0 --name blastdoor
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /app
COPY pyproject.toml README.md LICENSE ./
COPY analysis analysis
COPY controller controller
RUN /app/bin/pip install --no-cache-dir --no-compile .

FROM python:3.13-slim
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["blastdoor"]
CMD ["run"]
