import { type Advice, LIBUV, milliseconds } from '../advice.ts';

const amqplib: Advice = {
  title: 'amqplib (Node.js), RabbitMQ',
  order: 320,
  comment: '//',
  version: { package: 'amqplib' },
  tested: 'run against a listener, the socket read back (getsockopt)',
  tell({ keepalive, heartbeatSeconds }) {
    if (keepalive !== undefined)
      return {
        text: `const connection = await connect('amqp://broker', { keepAlive: true, keepAliveDelay: ${milliseconds(keepalive.idleSeconds)} });`,
        note: `${LIBUV}. RabbitMQ’s own heartbeat (60 s) keeps the connection alive as well where it is shorter than the idle timeout`,
      };
    if (heartbeatSeconds === undefined) return undefined;
    return {
      text: `const connection = await connect('amqp://broker?heartbeat=${Math.max(1, Math.floor(heartbeatSeconds))}');`,
      note: 'a connection without frames for two to three heartbeats is given up',
    };
  },
};
export default amqplib;
