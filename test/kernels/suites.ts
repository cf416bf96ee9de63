/** The files of test/kernel that run on every kernel. Left out is what needs a real clock, or a second machine. */
export interface Suite {
  /** `test/kernel/<name>.test.ts` */
  name: string;
  /** What it shows, in the table of docs/kernels.md. */
  title: string;
}

export const SUITES: readonly Suite[] = [
  { name: 'http', title: 'HTTP requests, against nginx’s log' },
  { name: 'http-endings', title: 'HTTP that ends early, or not at all' },
  { name: 'tcp', title: 'TCP connections and bytes' },
  { name: 'cgroups', title: 'Cgroups as they come and go' },
  { name: 'slots', title: 'Slots given back' },
  { name: 'identity', title: 'Whose traffic it is' },
  { name: 'identity-filter', title: 'What is excluded' },
];
