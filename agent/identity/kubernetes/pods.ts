/** The pods of a node, as they are found in the paths of cgroups. */
import type { Place } from '../place';
import type { Identity } from '../source';
import { objectIn, textIn } from './object';
import { readPod, samePod, type Pod } from './pod';

/** Traffic of a pod may be read after the pod is gone: it is still known for so long, and as one of so many. */
const KEEP_DELETED_MS = 300_000;
const MAX_DELETED = 500;

export interface PodsOptions {
  /** The name of the node: pods of others are none of ours. */
  node: string;
  /** A clock that nobody sets. */
  monotonicMs?: () => number;
}

export class Pods {
  readonly #node: string;
  readonly #monotonicMs: () => number;
  readonly #byUid = new Map<string, Pod>();
  /** UIDs of static pods; a pod's real UID comes first. */
  readonly #byStaticUid = new Map<string, Pod>();
  /** When each was deleted, the first one first. These are in the maps above too. */
  readonly #deletedAtMs = new Map<Pod, number>();

  constructor({ node, monotonicMs = () => performance.now() }: PodsOptions) {
    this.#node = node;
    this.#monotonicMs = monotonicMs;
  }

  /** How many there are; those that are gone and only remembered do not count. */
  get size(): number {
    return this.#byUid.size - this.#deletedAtMs.size;
  }

  /**
   * A pod as it is now.
   *
   * @returns whether an answer of `identify` may be another one now
   */
  set(object: unknown): boolean {
    const { nodeName } = objectIn(objectIn(object).spec);
    if (nodeName !== this.#node) {
      return false;
    }
    const known = this.#byUid.get(textIn(objectIn(objectIn(object).metadata).uid) ?? '');
    const pod = readPod(object, known);
    if (!pod || (known && samePod(known, pod) && !this.#deletedAtMs.has(known))) {
      return false;
    }
    if (known) {
      this.#forget(known);
    }
    this.#byUid.set(pod.uid, pod);
    if (pod.staticUid !== undefined) {
      this.#byStaticUid.set(pod.staticUid, pod);
    }
    return true;
  }

  /** A pod is gone. Its last state may name containers that came and went with it. */
  delete(object: unknown): boolean {
    const changed = this.set(object);
    const pod = this.#byUid.get(textIn(objectIn(objectIn(object).metadata).uid) ?? '');
    if (pod) {
      this.#delete(pod);
    }
    return changed;
  }

  /** Only these are there: what was deleted unheard of. */
  retain(uids: ReadonlySet<string>): void {
    for (const pod of this.#byUid.values()) {
      if (!uids.has(pod.uid)) {
        this.#delete(pod);
      }
    }
  }

  /** Whose a place is. A container that nobody has reported yet leaves its name open. */
  identify({ podUid, containerId }: Place): Identity | undefined {
    const pod = podUid === undefined ? undefined : (this.#byUid.get(podUid) ?? this.#byStaticUid.get(podUid));
    if (!pod) {
      return undefined;
    }
    const container = pod.containers.find(({ id }) => id === containerId)?.name;
    const { namespace, name, workload, labels: podLabels } = pod;
    return { namespace, pod: name, workload, podLabels, container, ...(pod.isSilent && { observe: false }) };
  }

  #delete(pod: Pod): void {
    const nowMs = this.#monotonicMs();
    if (!this.#deletedAtMs.has(pod)) {
      this.#deletedAtMs.set(pod, nowMs);
    }
    for (const [oldest, deletedAtMs] of this.#deletedAtMs) {
      if (this.#deletedAtMs.size <= MAX_DELETED && nowMs - deletedAtMs < KEEP_DELETED_MS) {
        break;
      }
      this.#forget(oldest);
    }
  }

  #forget(pod: Pod): void {
    this.#deletedAtMs.delete(pod);
    this.#byUid.delete(pod.uid);
    if (pod.staticUid !== undefined && this.#byStaticUid.get(pod.staticUid) === pod) {
      this.#byStaticUid.delete(pod.staticUid);
    }
  }
}
