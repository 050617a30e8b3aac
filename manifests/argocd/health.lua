-- Health of a Rollout for Argo CD: in argocd-cm under
-- resource.customizations.health.blastdoor.dev_Rollout
-- It reads the kstatus conditions (Ready, Reconciling, Stalled). A release that waits for evidence is
-- Progressing, one that a person holds is Suspended, and one that was taken back is Degraded until the
-- template in git is edited or reverted.
local health = { status = "Progressing", message = "Waiting for the operator to look at it" }
local status = obj.status
if status == nil then
  return health
end
if obj.metadata.generation ~= nil and (status.observedGeneration or 0) < obj.metadata.generation then
  return health
end
health.message = status.message or status.reason or ""
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function holds(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end
if holds("Stalled") or status.phase == "Rejected" or status.phase == "Invalid" then
  health.status = "Degraded"
elseif (obj.spec ~= nil and obj.spec.paused) or status.reason == "Held" then
  health.status = "Suspended"
elseif holds("Ready") and not holds("Reconciling") then
  health.status = "Healthy"
end
return health
