import { milliseconds, type Setting } from '../setting.ts';

const pg: Setting = {
  title: 'node-postgres (Node.js)',
  version: 'pg 8.23',
  tested: 'run against a listener, the socket read back (getsockopt)',
  render({ keepalive, timeoutSeconds }) {
    if (keepalive !== undefined)
      return {
        text: `const pool = new pg.Pool({ keepAlive: true, keepAliveInitialDelayMillis: ${milliseconds(keepalive.idleSeconds)} });`,
        note: 'interval and count are libuv’s: 10 probes, one second apart; keepAlive alone means the kernel’s two hours',
      };
    return {
      text: `const pool = new pg.Pool({ idleTimeoutMillis: ${milliseconds(Math.floor(timeoutSeconds / 3))} });`,
      note: 'no heartbeat: the pool closes idle connections before the box does, and opens others',
    };
  },
};
export default pg;
