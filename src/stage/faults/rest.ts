import type { Fault } from '../fault.ts';

/** Nothing happens to the host: for the acts of a timeline in which, in another act, something does. */
const rest: Fault = {
  describe: (host) => `${host} goes on as before`,
  takesAway: 'nothing',
  apply: () => Promise.resolve(),
};
export default rest;
