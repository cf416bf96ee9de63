/**
 * A step in the kernel that failed.
 *
 * The message is one or two sentences for an operator: what failed, why, what to do. Branch on `code` and `step`.
 */
export class BpfError extends Error {
  override readonly name = 'BpfError';
  /** The verifier's log, or '' when the verifier had no part in it. */
  readonly log: string;

  constructor(
    /** errno by name: `EPERM`, `ENOENT`, …; `EBADF` also for anything used after `close`. */
    readonly code: string,
    /** `open`, `load`, `attach`, `attachCgroup`, `memory`, `lookup`, … */
    readonly step: string,
    /** The file, program, map or cgroup that it was about. */
    readonly subject: string,
    description: string,
    /** All that libbpf had to say. */
    chatter: string
  ) {
    const { log, rest } = separateLog(chatter);
    super(explain({ code, step, subject, description, log, rest }));
    this.log = log;
  }
}

interface Circumstances {
  code: string;
  step: string;
  subject: string;
  description: string;
  log: string;
  rest: string;
}

const LOG = /^.*-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --\n?/m;

function separateLog(chatter: string): { log: string; rest: string } {
  const found = LOG.exec(chatter);
  return found ? { log: found[1], rest: chatter.replace(LOG, '') } : { log: '', rest: chatter };
}

/** libbpf names what failed in its first complaint: "libbpf: prog 'x': BPF program load failed: …". */
const CULPRIT = /(prog|map) '([^']+)': .*failed/;

function explain(about: Circumstances): string {
  const culprit = about.step === 'load' ? CULPRIT.exec(about.rest) : null;
  const what = culprit ? `${about.subject}, ${culprit[1] === 'prog' ? 'program' : 'map'} ${culprit[2]}` : about.subject;
  return `Cannot ${STEPS[about.step] ?? about.step} ${what}: ${reason(about)} (${about.code})`;
}

const STEPS: Record<string, string> = {
  rodata: 'set constants in',
  setMaxEntries: 'set the size of',
  setAutoload: 'choose',
  attachCgroup: 'attach',
  enableStats: 'turn on',
  iterate: 'run the iterator',
  stats: 'read the statistics of',
  memory: 'map the memory of',
  lookup: 'look up an entry of',
  update: 'update an entry of',
  delete: 'delete an entry of',
  push: 'push to',
  peek: 'look at the head of',
  pop: 'pop from',
  entries: 'read the entries of',
  map: 'use the map',
  programs: 'list the programs of',
  maps: 'list the maps of',
  fd: 'use the map',
  openPin: 'open what is pinned at',
  create: 'make the map',
  link: 'use the link',
};

/** "libbpf: prog 'x': failed to find kernel BTF type ID of 'sched_process_exec': -3" */
const MISSING_ATTACH_POINT = /failed to find kernel BTF type ID of '([^']+)'/;
const NO_KERNEL_BTF = /failed to find valid kernel BTF|vmlinux BTF is not found/;

function reason({ code, step, description, log, rest }: Circumstances): string {
  switch (rest) {
    case 'closed':
      return 'it is closed';
    case 'loaded':
      return 'it is loaded already, and this comes before load()';
    case 'not loaded':
      return 'it is not loaded; this comes after load(), and only for programs whose autoload is on';
    case 'not attached':
      return 'it is not attached; this comes after attach() or attachCgroup()';
    case 'no such program':
    case 'no such map':
      return `the object has ${rest.replace('such ', '')} of that name`;
  }
  if (log !== '') {
    return `the kernel's verifier refused it; its last words: ${lastWords(log)}`;
  }
  const missing = MISSING_ATTACH_POINT.exec(rest);
  if (missing) {
    return `this kernel has no ${missing[1]}`;
  }
  if (NO_KERNEL_BTF.test(rest)) {
    return 'this kernel carries no BTF (/sys/kernel/btf/vmlinux is missing); use one built with CONFIG_DEBUG_INFO_BTF';
  }
  return HINTS[`${step} ${code}`] ?? HINTS[code] ?? description;
}

/** The verifier ends with statistics; what it minded is said before them. */
function lastWords(log: string): string {
  const lines = log
    .split('\n')
    .filter((line) => line !== '' && !/^(processed \d+ insns|verification time|stack depth)/.test(line));
  return lines.at(-1) ?? 'none';
}

const HINTS: Record<string, string> = {
  EPERM:
    'not permitted; run as root or with the capabilities BPF, PERFMON and NET_ADMIN, outside a sandbox that filters bpf()',
  EACCES: 'access denied; run as root, or with the capabilities BPF, PERFMON and NET_ADMIN',
  ENOMEM: 'the kernel is out of memory for it; ask for smaller maps or raise the memory limit',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
  ENOTSUPP: 'this kernel cannot do that',
  EOPNOTSUPP: 'this kernel cannot do that',
  'open ENOENT': 'there is no such file; build the programs first (make -C bpf)',
  'open LIBBPF_4001': 'it is not a BPF object file',
  'attach ENOENT':
    'this kernel has no such tracepoint, or does not list them ("mount -t tracefs tracefs /sys/kernel/tracing")',
  'attach EOPNOTSUPP': 'its section does not name what to attach to; programs for cgroups take attachCgroup()',
  'attachCgroup ENOENT': 'there is no such directory',
  'attachCgroup ENOTDIR': 'it is not a directory',
  'attachCgroup EBADF': 'it is not a directory of a cgroup v2 file system',
  'attachCgroup EINVAL': 'the program is not of a kind that attaches to cgroups',
  'attachCgroup EPERM':
    'not permitted; run as root or with the capability NET_ADMIN, and see that no exclusive program is on the cgroup or above it',
  'attachCgroup E2BIG': 'the cgroup has as many programs as the kernel allows; "bpftool cgroup tree" lists them',
  'memory EINVAL': 'only array maps made with BPF_F_MMAPABLE can be mapped',
  'memory ENODEV': 'only array maps made with BPF_F_MMAPABLE can be mapped',
  'memory ENOTSUPP': 'only array maps made with BPF_F_MMAPABLE can be mapped',
  'memory EPERM': 'the program declares it read-only; map it without writable',
  'pin EPERM':
    'not permitted; it must be in a file system of type bpf that this process may write to ("mount -t bpf bpf DIR")',
  'pin EEXIST': 'there is a file of that name already',
  'pin ENOENT': 'there is no such directory',
  'pin EROFS': 'it is in a file system that is mounted read-only',
  'pin EACCES': 'its directory may not be written to by this process',
  'openPin EINVAL': 'something of another kind is pinned there',
  'openPin EACCES': 'this process may not read it, or it is no pin at all',
  'openPin ENOENT': 'nothing is pinned there',
  'lock EAGAIN': 'another process has the lock',
  'lock ENOENT': 'there is no such file or directory',
  'update E2BIG': 'the map is full, or the index is past its end',
  'push E2BIG': 'the queue is full',
  'rodata EINVAL': 'it is not a section of data (.rodata, .data, .bss)',
};
