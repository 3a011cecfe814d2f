import { type Advice, LIBUV, milliseconds, type Wanted } from '../advice.ts';

const WHOLE = 'interval and count need Node.js 24.19; keepAlive alone means 10 probes, one second apart (libuv)';

/** Without it a PING, or a command, on a dead connection waits for the kernel. One option for all commands. */
function commandTimeout({ commandTimeoutSeconds, heartbeatSeconds, heartbeatTimeoutSeconds }: Wanted): string[] {
  const seconds =
    commandTimeoutSeconds ?? (heartbeatSeconds === undefined ? undefined : (heartbeatTimeoutSeconds ?? 5));
  return seconds === undefined ? [] : [`commandTimeout: ${milliseconds(seconds)}`];
}

const ioredis: Advice = {
  title: 'ioredis (Node.js)',
  order: 300,
  comment: '//',
  version: { package: 'ioredis' },
  tested: 'run against a listener, the socket read back (getsockopt)',
  tell(wanted) {
    const { keepalive, heartbeatSeconds } = wanted;
    const patience = commandTimeout(wanted);
    if (keepalive !== undefined) {
      const { idleSeconds, intervalSeconds, probes } = keepalive;
      const idle = milliseconds(idleSeconds);
      const open = `const redis = new Redis({ ${[`keepAlive: ${idle}`, ...patience].join(', ')} });`;
      const whole = intervalSeconds !== undefined || probes !== undefined;
      return {
        text: whole
          ? `${open}\nredis.on('connect', () => redis.stream.setKeepAlive(true, ${idle}, ${milliseconds(intervalSeconds ?? 1)}, ${probes ?? 10}));`
          : open,
        note: [
          whole ? WHOLE : LIBUV,
          ...(patience.length > 0 ? [] : ['Commands wait for the kernel unless commandTimeout is set']),
          'What is in flight when a connection is lost is sent again (autoResendUnfulfilledCommands)',
        ].join('. '),
      };
    }
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const redis = new Redis({ ${patience.join(', ')} });\nconst heartbeat = setInterval(() => redis.ping().catch(() => redis.disconnect(true)), ${milliseconds(heartbeatSeconds)});`,
      note: 'ioredis has no heartbeat of its own; commandTimeout is for all commands',
    };
  },
};
export default ioredis;
