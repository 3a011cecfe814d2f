import { expect, it } from 'vitest';
import { NginxSessions } from '../../src/wire/nginx-log.ts';

/** As nginx 1.22.1 wrote them. */
const LINES = [
  '2026/11/24 16:44:53 [info] 6133#6133: *1 client 127.0.0.1:39922 connected to 127.0.0.1:17001',
  '2026/11/24 16:44:53 [info] 6133#6133: *3 client 127.0.0.1:39938 connected to 127.0.0.1:17001',
  '2026/11/24 16:44:53 [info] 6133#6133: *1 proxy 127.0.0.1:40968 connected to 127.0.0.1:17002',
  '2026/11/24 16:44:53 [info] 6133#6133: *3 proxy 127.0.0.1:40984 connected to 127.0.0.1:17002',
  '2026/11/24 16:44:53 [info] 6133#6133: *3 upstream disconnected, bytes from/to client:3/3, bytes from/to upstream:3/3',
  '2026/11/24 16:44:55 [info] 6133#6133: *1 connection timed out (110: Connection timed out) while proxying connection, client: 127.0.0.1, server: 127.0.0.1:17001, upstream: "127.0.0.1:17002", bytes from/to client:1/7, bytes from/to upstream:1/1',
];

it('tells of sessions who began them, by which end of the proxy, and why they ended', () => {
  const sessions = new NginxSessions();
  const ended = LINES.slice(0, 5).flatMap((line, index) => sessions.read(line, 100 + index) ?? []);
  expect(ended).toEqual([
    {
      client: '127.0.0.1:39938',
      server: '127.0.0.1:17002',
      proxy: '127.0.0.1:40984',
      totalSeconds: 3,
      bytesToClient: 3,
      termination: 'upstream disconnected',
    },
  ]);
  expect(sessions.live).toEqual([{ client: '127.0.0.1:39922', proxy: '127.0.0.1:40968', server: '127.0.0.1:17002' }]);
  expect(sessions.read(LINES[5] as string, 110)).toMatchObject({
    proxy: '127.0.0.1:40968',
    bytesToClient: 7,
    termination: 'connection timed out',
  });
  expect(sessions.live).toEqual([]);
});

it.each([
  ['a session that was begun before anybody listened', LINES[5] as string],
  ['another line', '2026/11/24 16:44:52 [notice] 6133#6133: nginx/1.22.1'],
  ['a line without end', `2026/11/24 16:44:53 [info] 1#1: *1 client ${'9'.repeat(10_000)}`],
])('has nothing to say of %s', (_, line) => {
  const sessions = new NginxSessions();
  expect(sessions.read(line, 1)).toBeUndefined();
  expect(sessions.live).toEqual([]);
});
