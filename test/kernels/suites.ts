/**
 * The files of test/kernel that run on every kernel. To load the programs takes half a minute where a processor is
 * emulated: of files whose tests each load them anew, only some run. Left out altogether is what needs a real clock.
 */
export interface Suite {
  /** `test/kernel/<name>.test.ts` */
  name: string;
  /** What it shows, in the table of docs/kernels.md. */
  title: string;
  /** Of its tests, only those with such a name. */
  only?: RegExp;
}

export const SUITES: readonly Suite[] = [
  { name: 'http', title: 'HTTP requests, against nginx’s log' },
  { name: 'http-endings', title: 'HTTP that ends early, or not at all' },
  { name: 'tcp', title: 'TCP connections, bytes and times' },
  { name: 'tcp-failures', title: 'TCP refused and reset', only: /refused|reset/ },
  { name: 'tcp-retransmits', title: 'TCP retransmits, as the kernel counts them' },
  { name: 'tcp-limits', title: 'TCP connections older than the agent', only: /older than the agent/ },
  { name: 'cgroups', title: 'Cgroups that come and go', only: /gone before/ },
  { name: 'slots', title: 'Slots given back', only: /one after the other/ },
  { name: 'identity', title: 'Whose traffic it is', only: /without an API server/ },
  { name: 'identity-filter', title: 'What is excluded', only: /looks no further/ },
  { name: 'pin', title: 'Counting while no agent runs', only: /exactly|follows|in the kernel/ },
];
