import { milliseconds, type Setting } from '../setting.ts';

const amqplib: Setting = {
  title: 'amqplib (Node.js), RabbitMQ',
  version: 'amqplib 2.0.1',
  tested: 'run against a listener, the socket read back (getsockopt)',
  render({ keepalive, client: { heartbeatSeconds } }) {
    if (keepalive !== undefined)
      return {
        text: `const connection = await connect('amqp://broker', { keepAlive: true, keepAliveDelay: ${milliseconds(keepalive.idleSeconds)} });`,
        note: 'interval and count are libuv’s: 10 probes, one second apart. RabbitMQ’s own heartbeat (60 s) keeps the connection alive as well where it is shorter than the patience',
      };
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const connection = await connect('amqp://broker?heartbeat=${Math.max(1, Math.floor(heartbeatSeconds))}');`,
      note: 'a connection without frames for two to three heartbeats is given up',
    };
  },
};
export default amqplib;
