import type { Setting } from '../setting.ts';

const redisServer: Setting = {
  title: 'Redis server (redis.conf)',
  version: 'Redis 7',
  tested: 'a server is started with it, its socket read back (getsockopt)',
  render({ keepalive }) {
    if (keepalive === undefined) return undefined;
    return {
      text: `tcp-keepalive ${Math.max(3, Math.floor(keepalive.idleSeconds))}`,
      note: 'idle as given, interval a third of it, three probes; it keeps the flow alive from the server’s side, and clears away clients that are gone. The default is 300',
    };
  },
};
export default redisServer;
