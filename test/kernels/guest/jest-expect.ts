/** In the place of `@jest/expect` in the guest: without snapshots, and the megabytes that they bring along. */
export { expect as jestExpect } from 'expect';
