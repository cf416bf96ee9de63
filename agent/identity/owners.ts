/**
 * Whose sockets a cgroup's are, from before its first event until after its last.
 *
 * The path says at once which pod, container or unit it is; a source says later what that is called, and then all of the
 * owner's series are called so. A name is never taken back: what is gone keeps the one it had, however long the history
 * remembers it. A cgroup id that the kernel uses again is a new owner.
 */
import { TARGET_LABELS } from '../../wire/metrics';
import type { Status } from '../../wire/status';
import type { Labels, Target } from '../history/series';
import type { CgroupListener } from './cgroups';
import type { Filter } from './filter';
import { cleanName } from './names';
import { placeOf, type Place } from './place';
import type { Identity, IdentitySource } from './source';

/** As long as `docker ps` shows them. */
const CONTAINER_ID_LENGTH = 12;
/** The longest path of a cgroup that is shown. */
const MAX_PATH_LENGTH = 1_024;
/** Names come late: the status of a container that lived for a moment is there a second after it. */
const LATE_NAME_MS = 120_000;
/** Longer than this no cgroup is waited for whose last socket the kernel has not let go of. */
const FORGET_MS = 3_600_000;
/** What another agent knew of an owner, and this one may not learn any more. */
export interface RecalledOwner {
  path: string;
  excluded: boolean;
  labels?: Labels;
}

/** How long an id that could not be found is not looked for again. */
const RETRY_MS = 1_000;

export interface Owner {
  readonly cgroupId: bigint;
  readonly place: Place;
  readonly target: Target;
  /** Not to be measured. */
  readonly excluded: boolean;
  /** Milliseconds since its cgroup was removed; undefined while it is there. */
  removedForMs(): number | undefined;
  /** Nothing can be counted for it any more. */
  readonly released: boolean;
}

export interface OwnersOptions {
  /** The value of the label `node`. */
  node: string;
  kubernetes: IdentitySource;
  docker: IdentitySource;
  filter: Pick<Filter, 'admits'>;
  /** Who a cgroup's owner was, by its path, as far as an earlier agent's history tells. */
  remembered?: (path: string) => Target | undefined;
  /** A clock that nobody sets. */
  monotonicMs?: () => number;
}

export type OwnersStatus = Status['identity'];

export class Owners implements CgroupListener {
  readonly #options: Required<OwnersOptions>;
  readonly #owners = new Map<bigint, KnownOwner>();
  /** Paths of pods' own cgroups: their containers are inside, and a socket is rarely ever theirs. */
  readonly #idle = new Map<bigint, string>();
  /** By the path of the owner: cgroups inside of a container, and one that is made again, are the same one's. */
  readonly #targets = new Map<string, SharedTarget>();
  #dead = new Set<KnownOwner>();
  #stale = true;
  #changed: KnownOwner[] = [];
  #missedAtMs = -Infinity;
  #look: () => void = () => {};

  constructor({ monotonicMs = () => performance.now(), remembered = () => undefined, ...options }: OwnersOptions) {
    this.#options = { ...options, monotonicMs, remembered };
    [options.kubernetes, options.docker].forEach((source) => source.onChange(() => (this.#stale = true)));
  }

  /** What to do when somebody asks for a cgroup that is not known. */
  onUnknown(look: () => void): void {
    this.#look = look;
  }

  made(cgroupId: bigint, path: string): void {
    const known = this.#owners.get(cgroupId);
    if (known && known.removedAtMs === undefined && known.cgroupPath === path) {
      return;
    }
    if (known && known.cgroupPath === undefined) {
      this.#find(known, path);
      return;
    }
    if (known) {
      this.#leave(known, true);
    }
    const place = placeAt(path);
    if (place.podUid !== undefined && place.containerId === undefined) {
      this.#owners.delete(cgroupId);
      this.#idle.set(cgroupId, path);
    } else {
      this.#idle.delete(cgroupId);
      this.#add(cgroupId, path, place);
    }
  }

  removed(cgroupId: bigint): void {
    this.#idle.delete(cgroupId);
    const owner = this.#owners.get(cgroupId);
    if (owner) {
      this.#leave(owner, false);
    }
  }

  released(cgroupId: bigint): void {
    const owner = this.#owners.get(cgroupId);
    if (owner) {
      this.#leave(owner, true);
    }
  }

  /** All cgroups whose path is known, those that are gone included for as long as they matter. */
  *known(): Generator<RecalledOwner & { cgroupId: bigint }> {
    for (const [cgroupId, { cgroupPath, place, excluded, target }] of this.#owners) {
      if (cgroupPath !== undefined) {
        yield { cgroupId, path: place.path, excluded, labels: target.labels };
      }
    }
    for (const [cgroupId, path] of this.#idle) {
      yield { cgroupId, path, excluded: false };
    }
  }

  /** What another agent knew of a cgroup; of no interest unless it was removed while no agent ran. */
  recall(cgroupId: bigint, recalled: RecalledOwner): void {
    if (this.#has(cgroupId)) {
      return;
    }
    const owner = this.#add(cgroupId, recalled.path, placeAt(recalled.path), recalled);
    this.#leave(owner, false);
  }

  /**
   * Another agent has left the cgroup out: so does this one, until it knows better.
   *
   * @returns false: it is gone, or there is nobody to ask who could know better
   */
  recallExcluded(cgroupId: bigint): boolean {
    const owner = this.#owners.get(cgroupId) ?? this.#wake(cgroupId);
    if (!owner || owner.removedAtMs !== undefined || this.#isSettled(owner)) {
      return owner?.excluded ?? false;
    }
    owner.recalled = { path: owner.place.path, excluded: true };
    this.#name(owner);
    return owner.excluded;
  }

  /** The owner of a cgroup's sockets. One that was removed before anybody saw it is known by its id alone. */
  ownerOf(cgroupId: bigint): Owner {
    const nowMs = this.#options.monotonicMs();
    if (!this.#has(cgroupId) && nowMs - this.#missedAtMs >= RETRY_MS) {
      this.#look();
      this.#missedAtMs = this.#has(cgroupId) ? -Infinity : nowMs;
    }
    let owner = this.#owners.get(cgroupId) ?? this.#wake(cgroupId);
    if (!owner) {
      const place = { path: `removed:${cgroupId}` };
      owner = new KnownOwner(cgroupId, undefined, place, newTarget(), this.#options.monotonicMs);
      this.#owners.set(cgroupId, owner);
      this.#leave(owner, false);
      this.#name(owner);
    }
    return owner;
  }

  /**
   * Brings names and exclusions up to date.
   *
   * @returns the owners that are to be measured from now on, or not any more
   */
  refresh(): readonly Owner[] {
    if (this.#stale) {
      this.#stale = false;
      this.#owners.forEach((owner) => this.#name(owner));
      this.#dead.forEach((owner) => this.#name(owner));
    }
    return this.#changed.splice(0);
  }

  /** Those whose cgroup is gone. */
  departed(): Iterable<Owner> {
    return this.#dead;
  }

  /** Forgets the dead whose names cannot matter any more. `isUsed` says whether anything is still counted for one. */
  forget(isUsed: (owner: Owner) => boolean): void {
    for (const owner of this.#dead) {
      const deadMs = owner.removedForMs() ?? 0;
      if (!isUsed(owner) && (deadMs >= FORGET_MS || (owner.released && deadMs >= LATE_NAME_MS))) {
        this.#dead.delete(owner);
        if (this.#owners.get(owner.cgroupId) === owner) {
          this.#owners.delete(owner.cgroupId);
        }
        this.#leaveTarget(owner.place.path);
      }
    }
  }

  status(): OwnersStatus {
    const present = [...this.#owners.values()].filter(({ removedAtMs }) => removedAtMs === undefined);
    const pods = new Map<string, boolean>();
    for (const { place, identity } of present) {
      if (place.podUid !== undefined) {
        pods.set(place.podUid, pods.get(place.podUid) === true || identity.pod !== undefined);
      }
    }
    return {
      owners: present.length + this.#idle.size,
      excluded: present.filter(({ excluded }) => excluded).length,
      pods: pods.size,
      unnamedPods: [...pods.values()].filter((named) => !named).length,
      kubernetes: this.#options.kubernetes.status,
      docker: this.#options.docker.status,
    };
  }

  #has(cgroupId: bigint): boolean {
    return this.#owners.has(cgroupId) || this.#idle.has(cgroupId);
  }

  #add(cgroupId: bigint, path: string, place: Place, recalled?: RecalledOwner): KnownOwner {
    const owner = new KnownOwner(cgroupId, path, place, this.#targetAt(place.path), this.#options.monotonicMs);
    owner.recalled = recalled ?? this.#recalled(owner);
    this.#owners.set(cgroupId, owner);
    this.#name(owner);
    return owner;
  }

  /** Somebody asks for a cgroup of which nobody had thought that it has sockets. */
  #wake(cgroupId: bigint): KnownOwner | undefined {
    const path = this.#idle.get(cgroupId);
    this.#idle.delete(cgroupId);
    return path === undefined ? undefined : this.#add(cgroupId, path, placeAt(path));
  }

  #leave(owner: KnownOwner, released: boolean): void {
    owner.removedAtMs ??= this.#options.monotonicMs();
    owner.released ||= released;
    this.#dead.add(owner);
  }

  /** The cgroup that was only an id turns out to be there after all. */
  #find(owner: KnownOwner, path: string): void {
    owner.cgroupPath = path;
    owner.place = placeAt(path);
    owner.removedAtMs = undefined;
    this.#dead.delete(owner);
    this.#targetAt(owner.place.path, owner.target);
    this.#name(owner);
  }

  /** A name from an earlier agent's history is as good as one that was noted, until a source says another one. */
  #recalled({ place, target }: KnownOwner): RecalledOwner | undefined {
    return target.labels === NO_LABELS
      ? undefined
      : { path: place.path, excluded: target.hidden, labels: target.labels };
  }

  #targetAt(path: string, fresh?: SharedTarget): SharedTarget {
    const target = this.#targets.get(path) ?? fresh ?? this.#rememberedTarget(path) ?? newTarget();
    target.users++;
    this.#targets.set(path, target);
    return target;
  }

  /** The same object that its past has: what is told of it now goes on under the same series. */
  #rememberedTarget(path: string): SharedTarget | undefined {
    // A path of which the label is not all could be somebody else's.
    const target = cleanName(path, MAX_PATH_LENGTH) === path ? this.#options.remembered(path) : undefined;
    return target && Object.assign(target, { users: 0 });
  }

  #leaveTarget(path: string): void {
    const target = this.#targets.get(path);
    if (target && --target.users === 0) {
      this.#targets.delete(path);
    }
  }

  /** A node's engine may know a pod's container, too, by a name that the kubelet has made up. */
  #sourceOf({ place }: KnownOwner): IdentitySource {
    return place.podUid === undefined ? this.#options.docker : this.#options.kubernetes;
  }

  /** Whether the source has said all it knows of it. */
  #isSettled(owner: KnownOwner): boolean {
    const { state } = this.#sourceOf(owner).status;
    return owner.isIdentified || state === 'ready' || state === 'off';
  }

  #isExcluded(owner: KnownOwner): boolean {
    // Of one that is gone nobody may know any more what another agent knew.
    if (owner.recalled && !owner.isIdentified && (owner.removedAtMs !== undefined || !this.#isSettled(owner))) {
      return owner.recalled.excluded;
    }
    return !this.#options.filter.admits(owner.place, owner.isIdentified ? owner.identity : undefined);
  }

  #name(owner: KnownOwner): void {
    owner.learn(this.#sourceOf(owner).identify(owner.place));
    const labels = labelsOf(owner, this.#options.node);
    if (TARGET_LABELS.some((label) => labels[label] !== owner.target.labels[label])) {
      owner.target.labels = labels;
    }
    const excluded = this.#isExcluded(owner);
    owner.target.hidden = excluded;
    if (excluded !== owner.excluded) {
      owner.excluded = excluded;
      this.#changed.push(owner);
    }
  }
}

interface SharedTarget extends Target {
  /** How many cgroups have it. */
  users: number;
}

const NO_LABELS: Labels = {};
const NO_IDENTITY: Identity = {};

class KnownOwner implements Owner {
  identity = NO_IDENTITY;
  isIdentified = false;
  excluded = false;
  removedAtMs?: number;
  released = false;
  recalled?: RecalledOwner;

  constructor(
    readonly cgroupId: bigint,
    /** Its own, which may lie inside of the owner's; undefined where nobody has seen it. */
    public cgroupPath: string | undefined,
    public place: Place,
    readonly target: SharedTarget,
    readonly monotonicMs: () => number
  ) {}

  removedForMs(): number | undefined {
    return this.removedAtMs === undefined ? undefined : this.monotonicMs() - this.removedAtMs;
  }

  /** What a source does not know (any more) stays as it was. */
  learn(identity: Identity | undefined): void {
    if (!identity) {
      return;
    }
    const known = Object.entries(identity).filter(([, value]) => value !== undefined);
    this.identity = { ...this.identity, ...Object.fromEntries(known), observe: identity.observe };
    this.isIdentified = true;
  }
}

/** Most cgroups are their own owner's: then one string does for both. */
function placeAt(path: string): Place {
  const place = placeOf(path);
  return place.path === path ? { ...place, path } : place;
}

function newTarget(): SharedTarget {
  return { labels: NO_LABELS, hidden: false, users: 0 };
}

function labelsOf({ identity, place, recalled, isIdentified }: KnownOwner, node: string): Labels {
  if (recalled?.labels && !isIdentified) {
    return { ...recalled.labels, node };
  }
  const containerId = place.containerId?.slice(0, CONTAINER_ID_LENGTH);
  const path = cleanName(place.path, MAX_PATH_LENGTH);
  return {
    node,
    namespace: identity.namespace,
    pod: identity.pod ?? place.podUid,
    container: identity.container ?? containerId,
    // Never empty: it is what dashboards group by, in Kubernetes and outside.
    workload: identity.workload ?? identity.pod ?? place.unit ?? place.podUid ?? containerId ?? path,
    cgroup: path,
  };
}
