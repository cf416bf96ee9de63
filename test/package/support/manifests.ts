/** Kubernetes objects as kubectl renders them, held against Kubernetes' own schemas. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { DaemonSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { PriorityClass } from 'kubernetes-models/scheduling.k8s.io/v1';
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../../../scripts/setup/steps.mjs';
import { requireProgram } from '../../support/requirements';

/** An object of the API; what is in it is for the schemas to say. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: any;
}

export const KUBERNETES = join(ROOT, 'deploy/kubernetes');

/** What `kubectl apply -k` of a folder of deploy/kubernetes would send. */
export function render(folder: string): Manifest[] {
  return parseAllDocuments(kubectl('kustomize', join(KUBERNETES, folder))).map(
    (document) => document.toJS() as Manifest
  );
}

/** Wherever it is: more than one repository has a package of it. */
function kubectl(...args: string[]): string {
  try {
    return execFileSync('kubectl', args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      requireProgram('/usr/bin/kubectl', 'kubernetes-client');
    }
    throw error;
  }
}

/** Of several at once, as somebody's own kustomization would name them. */
export function renderTogether(...folders: string[]): Manifest[] {
  const own = mkdtempSync(join(tmpdir(), 'ringside-kustomize-'));
  try {
    const bases = folders.map((folder) => `  - ${relative(own, join(KUBERNETES, folder))}\n`).join('');
    writeFileSync(
      join(own, 'kustomization.yaml'),
      `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nbases:\n${bases}`
    );
    return render(relative(KUBERNETES, own));
  } finally {
    rmSync(own, { recursive: true });
  }
}

/** Their methods `validate` are compiled by their packages from the schemas of Kubernetes and of the Prometheus Operator. */
const MODELS = [
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  DaemonSet,
  Namespace,
  NetworkPolicy,
  PodMonitor,
  PriorityClass,
  Secret,
  Service,
  ServiceAccount,
];

interface ValidationError extends Error {
  errors: Array<{ instancePath: string; keyword: string; params: object }>;
}

/**
 * What is wrong with an object, one line a fault: values that are not of the schema's type, and fields that the schema does
 * not have. Kubernetes' schemas allow any field; its API server drops those it does not know, which is how a misspelt
 * security setting is lost. A validator looks at every field that its schema names, and only there: what it has not
 * looked at has no meaning.
 */
export function faultsOf(manifest: Manifest): string[] {
  const model = MODELS.find(({ apiVersion, kind }) => apiVersion === manifest.apiVersion && kind === manifest.kind);
  if (!model) {
    return [`no schema for ${manifest.apiVersion} ${manifest.kind}`];
  }
  const seen = new Set<string>();
  const wrong: string[] = [];
  try {
    model.prototype.validate.call(watched(manifest, '', seen));
  } catch (error) {
    for (const { instancePath, keyword, params } of (error as ValidationError).errors) {
      wrong.push(`${instancePath}: ${keyword} ${JSON.stringify(params)}`);
    }
  }
  return [...wrong, ...pathsOf(manifest, '').flatMap((path) => (seen.has(path) ? [] : [`${path}: unknown`]))];
}

/** The same value, that notes which of its fields are read. */
function watched<Value>(value: Value, path: string, seen: Set<string>): Value {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return new Proxy(value, {
    get(target, name) {
      const here = `${path}/${String(name)}`;
      seen.add(here);
      return watched(Reflect.get(target, name), here, seen);
    },
  });
}

function pathsOf(value: unknown, path: string): string[] {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => [`${path}/${name}`, ...pathsOf(inner, `${path}/${name}`)])
    : [];
}
