import type { Advice } from '../advice.ts';

/** tcp-keepalive's interval is a third of it, and at least a second (anet.c). */
const PROBES = 3;

const redisServer: Advice = {
  title: 'Redis server (redis.conf)',
  order: 410,
  comment: '#',
  version: { program: 'redis-server', arguments: ['--version'], called: 'Redis' },
  tested: 'a server is started with it, its socket read back (getsockopt)',
  tell({ keepalive }) {
    if (keepalive === undefined) return undefined;
    const idle = Math.max(PROBES, Math.floor(keepalive.idleSeconds));
    return {
      text: `tcp-keepalive ${idle}`,
      note: `idle ${idle} s, then every ${Math.floor(idle / PROBES)} s, ${PROBES} probes; it keeps the flow alive from the server’s side, and clears away clients that are gone. The default is 300`,
    };
  },
};
export default redisServer;
