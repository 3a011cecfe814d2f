import type { Fault } from '../fault.ts';

/** Undoes `cut`. */
const mend: Fault = {
  describe: (host) => `the links of ${host} are back`,
  takesAway: 'nothing',
  async apply({ lab, host }) {
    await lab.host(host).setLinks(true);
  },
};
export default mend;
