/** The agent's pod of a DaemonSet, as the options of `docker run` that give a container the same rights and mounts. */
import type { Manifest } from './manifests';

export interface Substitutes {
  /** Folders in place of the Secrets, by name. */
  secrets: Readonly<Record<string, string>>;
  /** What the fields of the pod would be, by path. */
  fields: Readonly<Record<string, string>>;
  /** The capabilities as this engine knows them. */
  capabilities(wanted: string[]): string[];
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

export function dockerOptions(daemonSet: Manifest, { secrets, fields, capabilities }: Substitutes): string[] {
  const pod = daemonSet.spec.template.spec;
  const [{ env, volumeMounts, securityContext, resources }] = pod.containers;
  const volumes: Volume[] = pod.volumes;
  const sourceOf = (name: string) => {
    const { hostPath, secret } = volumes.find((volume) => volume.name === name)!;
    return hostPath?.path ?? secrets[secret!.secretName];
  };
  return [
    // None at all is closer to a pod's own network than the host's is: either way it has a loopback of its own.
    '--network=none',
    '--cgroupns=private',
    `--user=${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`,
    ...securityContext.capabilities.drop.map((name: string) => `--cap-drop=${name}`),
    ...capabilities(securityContext.capabilities.add).map((name) => `--cap-add=${name}`),
    ...(securityContext.allowPrivilegeEscalation ? [] : ['--security-opt=no-new-privileges:true']),
    // RuntimeDefault is Docker's own profile, which is there without being asked for.
    ...(securityContext.readOnlyRootFilesystem ? ['--read-only'] : []),
    `--memory=${resources.limits.memory.toLowerCase().replace(/i$/, '')}`,
    ...(volumeMounts as Mount[]).map(
      ({ name, mountPath, readOnly }) => `--volume=${sourceOf(name)}:${mountPath}${readOnly ? ':ro' : ''}`
    ),
    ...(env as Variable[]).map(
      ({ name, value, valueFrom }) => `--env=${name}=${value ?? fields[valueFrom!.fieldRef.fieldPath]}`
    ),
  ];
}
