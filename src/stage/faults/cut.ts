import type { Fault } from '../fault.ts';

/** The cable is pulled; programs and sockets live on. */
const cut: Fault = {
  describe: (host) => `the links of ${host} are cut`,
  takesAway: 'path',
  async apply({ lab, host }) {
    await lab.host(host).setLinks(false);
  },
};
export default cut;
