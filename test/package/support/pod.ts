/** A container of a DaemonSet's pod, as the options of `docker run` that give one the same rights and mounts. */
import type { Manifest } from './manifests';

export interface Substitutes {
  /** Folders in place of the Secrets, by name. */
  secrets?: Readonly<Record<string, string>>;
  /** Folders in place of those of the host, by their paths there. */
  hostPaths?: Readonly<Record<string, string>>;
  /** What the fields of the pod would be, by path. */
  fields?: Readonly<Record<string, string>>;
  /** The capabilities as this engine knows them. */
  capabilities(wanted: string[]): string[];
}

interface Container {
  name: string;
  env?: Variable[];
  volumeMounts: Mount[];
  securityContext: {
    allowPrivilegeEscalation: boolean;
    readOnlyRootFilesystem: boolean;
    capabilities: { drop: string[]; add?: string[] };
  };
  resources?: { limits: { memory: string } };
}

interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

interface Volume {
  name: string;
  hostPath?: { path: string };
  secret?: { secretName: string };
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef: { fieldPath: string } };
}

/** The container is that of the name, among the pod's init containers too. */
export function dockerOptions(
  daemonSet: Manifest,
  name: string,
  { secrets = {}, hostPaths = {}, fields = {}, capabilities }: Substitutes
): string[] {
  const pod = daemonSet.spec.template.spec;
  const containers: Container[] = [...(pod.initContainers ?? []), ...pod.containers];
  const { env = [], volumeMounts, securityContext, resources } = containers.find((one) => one.name === name)!;
  const volumes: Volume[] = pod.volumes;
  const sourceOf = (volumeName: string) => {
    const { hostPath, secret } = volumes.find((volume) => volume.name === volumeName)!;
    return hostPath ? (hostPaths[hostPath.path] ?? hostPath.path) : secrets[secret!.secretName];
  };
  return [
    // None at all is closer to a pod's own network than the host's is: either way it has a loopback of its own.
    '--network=none',
    '--cgroupns=private',
    `--user=${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`,
    ...securityContext.capabilities.drop.map((capability) => `--cap-drop=${capability}`),
    ...capabilities(securityContext.capabilities.add ?? []).map((capability) => `--cap-add=${capability}`),
    ...(securityContext.allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges:true']),
    // RuntimeDefault is Docker's own profile, which is there without being asked for.
    ...(securityContext.readOnlyRootFilesystem ? ['--read-only'] : []),
    ...(resources ? [`--memory=${resources.limits.memory.toLowerCase().replace(/i$/, '')}`] : []),
    ...volumeMounts.map((mount) => `--volume=${sourceOf(mount.name)}:${mount.mountPath}${mount.readOnly ? ':ro' : ''}`),
    ...env.map((variable) => {
      const { value = fields[variable.valueFrom!.fieldRef.fieldPath] } = variable;
      return `--env=${variable.name}=${value}`;
    }),
  ];
}
