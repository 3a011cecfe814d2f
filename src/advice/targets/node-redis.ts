import { type Advice, LIBUV, milliseconds } from '../advice.ts';

const nodeRedis: Advice = {
  title: 'node-redis (Node.js)',
  order: 310,
  comment: '//',
  version: { package: 'redis' },
  tested: 'run against a listener, the socket read back (getsockopt)',
  tell({ keepalive, heartbeatSeconds, commandTimeoutSeconds }) {
    const timeout =
      commandTimeoutSeconds === undefined
        ? ''
        : `, commandOptions: { timeout: ${milliseconds(commandTimeoutSeconds)} }`;
    const unsent = timeout === '' ? '' : '; commandOptions.timeout ends only commands that are not yet sent';
    if (keepalive !== undefined)
      return {
        text: `const client = createClient({ socket: { keepAlive: true, keepAliveInitialDelay: ${milliseconds(keepalive.idleSeconds)} }${timeout} });`,
        note: LIBUV + unsent,
      };
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const client = createClient({ pingInterval: ${milliseconds(heartbeatSeconds)}, socket: { socketTimeout: ${milliseconds(heartbeatSeconds * 2)} }${timeout} });`,
      note: `a PING has no timeout of its own: socketTimeout is what notices that no reply comes${unsent}`,
    };
  },
};
export default nodeRedis;
