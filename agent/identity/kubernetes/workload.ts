/**
 * The workload a pod belongs to: the name of its topmost owner, as somebody wrote it.
 *
 * A pod names only its direct owner. What owns that one is read out of its name, which the controllers in Kubernetes
 * make by fixed rules, so that neither ReplicaSets nor Jobs have to be watched: a Deployment's ReplicaSet is called
 * `<deployment>-<pod-template-hash>`, and the hash is a label of the pod; a CronJob's Job is called
 * `<cronjob>-<minutes since 1970>`. Where the rule does not hold, the direct owner is the topmost there is.
 *
 * A pod without an owner is a workload of its own: a query by workload shall leave nobody out.
 */
import { objectIn, objectsIn, textIn, type JsonObject } from './object';

/** Set by Deployments, and by the Rollouts of Argo. */
const TEMPLATE_HASHES = ['pod-template-hash', 'rollouts-pod-template-hash'];
/** On pods of OpenShift's DeploymentConfigs. */
const DEPLOYMENT_CONFIG = 'openshift.io/deployment-config.name';
const MINUTE_MS = 60_000;
/** A CronJob may catch up on a run it missed, and a Job may be retried; neither goes on for longer. */
const LATEST_START_MINUTES = 7 * 24 * 60;
/** Clocks of different machines. */
const EARLIEST_START_MINUTES = 60;

/** @returns the name as it came, not cleaned; undefined for a pod without a name */
export function workloadOf(pod: JsonObject): string | undefined {
  const metadata = objectIn(pod.metadata);
  const name = textIn(metadata.name);
  const owner = objectsIn(metadata.ownerReferences).find(({ controller }) => controller === true);
  const ownerName = textIn(owner?.name);
  if (ownerName === undefined) {
    return name;
  }
  switch (owner?.kind) {
    case 'ReplicaSet':
      return deploymentOf(ownerName, objectIn(metadata.labels)) ?? ownerName;
    case 'Job':
      return cronJobOf(ownerName, metadata) ?? ownerName;
    case 'ReplicationController':
      return deploymentConfigOf(ownerName, objectIn(metadata.annotations)) ?? ownerName;
    case 'Node':
      // A static pod: the kubelet adds the node's name to that in the file.
      return (name && withoutEnd(name, `-${ownerName}`)) ?? name;
    default:
      return ownerName;
  }
}

function deploymentOf(replicaSet: string, labels: JsonObject): string | undefined {
  for (const label of TEMPLATE_HASHES) {
    const hash = textIn(labels[label]);
    const deployment = hash && withoutEnd(replicaSet, `-${hash}`);
    if (deployment) {
      return deployment;
    }
  }
  return undefined;
}

function cronJobOf(job: string, { creationTimestamp }: JsonObject): string | undefined {
  const [, cronJob, minutes] = /^(.+)-(\d{8,9})$/.exec(job) ?? [];
  const startedAfter = Date.parse(textIn(creationTimestamp) ?? '') / MINUTE_MS - Number(minutes);
  return startedAfter <= LATEST_START_MINUTES && startedAfter >= -EARLIEST_START_MINUTES ? cronJob : undefined;
}

/** Its ReplicationControllers are numbered. */
function deploymentConfigOf(controller: string, annotations: JsonObject): string | undefined {
  const deploymentConfig = textIn(annotations[DEPLOYMENT_CONFIG]);
  return deploymentConfig &&
    /^-\d+$/.test(controller.slice(deploymentConfig.length)) &&
    controller.startsWith(deploymentConfig)
    ? deploymentConfig
    : undefined;
}

function withoutEnd(text: string, end: string): string | undefined {
  return text.endsWith(end) && text.length > end.length ? text.slice(0, -end.length) : undefined;
}
