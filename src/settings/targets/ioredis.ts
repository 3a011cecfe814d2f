import { milliseconds, type Setting } from '../setting.ts';

const ioredis: Setting = {
  title: 'ioredis (Node.js)',
  version: 'ioredis 6.0.0, Node.js 24',
  tested: 'run against a listener, the socket read back (getsockopt)',
  render({ keepalive, client: { heartbeatSeconds, heartbeatTimeoutSeconds } }) {
    if (keepalive !== undefined) {
      const { idleSeconds, intervalSeconds, probes } = keepalive;
      return {
        text: `const redis = new Redis({ keepAlive: ${milliseconds(idleSeconds)} });\nredis.on('connect', () => redis.stream.setKeepAlive(true, ${milliseconds(idleSeconds)}, ${milliseconds(intervalSeconds)}, ${probes}));`,
        note: 'keepAlive alone means 10 probes, one second apart (libuv); interval and count need Node.js 24. Commands wait for ever unless commandTimeout is set, and what is in flight when a connection is lost is sent again (autoResendUnfulfilledCommands)',
      };
    }
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const redis = new Redis({ commandTimeout: ${milliseconds(heartbeatTimeoutSeconds ?? 5)} });\nconst heartbeat = setInterval(() => redis.ping().catch(() => redis.disconnect(true)), ${milliseconds(heartbeatSeconds)});`,
      note: 'ioredis has no heartbeat of its own; commandTimeout is for all commands',
    };
  },
};
export default ioredis;
