/** The kernels of Debian: from the oldest that Ringside takes, over what is run in production today, to what will be. */
export interface Release {
  /** As people say it: `6.1`. */
  kernel: string;
  /** Of Debian. */
  suite: string;
  /** What it is emulated without; `qemu.ts` says why. */
  without?: 'cx16';
}

export const RELEASES: readonly Release[] = [
  { kernel: '5.10', suite: 'bullseye', without: 'cx16' },
  { kernel: '6.1', suite: 'bookworm', without: 'cx16' },
  { kernel: '6.12', suite: 'trixie', without: 'cx16' },
  { kernel: 'newest', suite: 'sid' },
];
