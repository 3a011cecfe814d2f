import type { Fault } from '../fault.ts';

/** The host is gone at once: links first, so that not even its dying sockets' FIN or RST come out, then its processes. */
const crash: Fault = {
  describe: (host) => `${host} loses power: no FIN, no RST, nothing`,
  takesAway: 'peer',
  async apply({ lab, host, killProcesses }) {
    lab.host(host).gone = true;
    await lab.host(host).setLinks(false);
    await killProcesses(host);
  },
};
export default crash;
