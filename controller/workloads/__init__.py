"""Pure views of workloads: what runs, what is proposed, which objects a canary needs."""
