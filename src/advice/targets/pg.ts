import { type Advice, LIBUV, milliseconds } from '../advice.ts';

const pg: Advice = {
  title: 'node-postgres (Node.js)',
  order: 330,
  comment: '//',
  version: { package: 'pg' },
  tested: 'run against a listener, the socket read back (getsockopt)',
  tell({ keepalive, commandTimeoutSeconds, timeoutSeconds }) {
    const timeout =
      commandTimeoutSeconds === undefined ? '' : `, query_timeout: ${milliseconds(commandTimeoutSeconds)}`;
    if (keepalive !== undefined)
      return {
        text: `const pool = new pg.Pool({ keepAlive: true, keepAliveInitialDelayMillis: ${milliseconds(keepalive.idleSeconds)}${timeout} });`,
        note: `${LIBUV}; keepAlive without a delay means the kernel’s two hours`,
      };
    return {
      text: `const pool = new pg.Pool({ idleTimeoutMillis: ${milliseconds(Math.floor(timeoutSeconds / 3))}${timeout} });`,
      note: 'no heartbeat: the pool closes idle connections before the box does, and opens others',
    };
  },
};
export default pg;
