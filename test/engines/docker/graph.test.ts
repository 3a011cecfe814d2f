import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSIDE } from '../../../src/engines/docker/control.ts';
import type { DockerLab } from '../../../src/engines/docker/lab.ts';
import type { ActPlan } from '../../../src/plan/plan.ts';
import type { LabHost } from '../../../src/stage/lab.ts';
import { containersThere, dockerLab } from '../../helpers/docker.ts';

const PORT = 7000;
const BOXES = ['nat', 'fw', 'nlb'];
const timers = { idleSeconds: 60 };
const act = {
  name: 'graph',
  ip: 'v4',
  hosts: [
    ...['web', 'batch'].map((name) => ({ name, role: 'client' })),
    ...BOXES.map((name) => ({ name, role: 'middlebox', playedBy: { router: 'stateful' }, timers })),
    ...['mq-1', 'mq-2'].map((name) => ({ name, role: 'server', group: 'mq' })),
  ],
  paths: [
    { client: 'web', boxes: BOXES, servers: ['mq-1', 'mq-2'] },
    { client: 'batch', boxes: ['nlb'], servers: ['mq-1', 'mq-2'] },
  ],
  tuning: {},
  timeline: [{ kind: 'action', host: 'mq', takesAway: 'peer' }],
} as unknown as ActPlan;

const SERVER = `require('node:net').createServer((socket) => socket.on('error', () => {}).on('data', () => {}))
  .listen({ port: ${PORT}, host: '0.0.0.0' }, () => console.log('ready'))`;
const CLIENT = `require('node:net').connect({ port: ${PORT}, host: process.argv[1] })
  .on('connect', () => console.log('connected')).on('error', ({ code }) => console.log(code))
  .on('close', () => process.exit()); setTimeout(() => console.log('silence') ?? process.exit(), 1000)`;

const connect = async (from: LabHost, to: string): Promise<string> =>
  (
    await from.run('node', [
      '-e',
      `${CLIENT.replace("console.log('connected')", "console.log('connected') ?? process.exit()")}`,
      to,
    ])
  ).trim();

describe.runIf(containersThere)('two clients, a chain of three boxes and two servers as containers', () => {
  let lab: DockerLab;
  beforeAll(async () => {
    lab = await dockerLab(act);
    for (const host of lab.hosts.values()) {
      const server = host.spawn('node', ['-e', SERVER]);
      server.expectEnd();
      await server.line(/^ready$/);
    }
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());
  const pairs = [
    ...[
      ['web', 'nat'],
      ['nat', 'fw'],
      ['fw', 'nlb'],
      ['batch', 'nlb'],
      ['nlb', 'mq-1'],
      ['nlb', 'mq-2'],
    ],
  ] as [string, string][];

  it.each(pairs)('%s reaches %s at the address that it has towards it', async (near, far) => {
    expect(await connect(lab.host(near), lab.host(far).addressTowards(near))).toBe('connected');
  });
  it('a box takes connections of all neighbours at one address', () => {
    expect(lab.host('nlb').serviceAddress).toBe(lab.host('nlb').addressTowards('fw'));
    expect(lab.host('nlb').serviceAddress).toBe(lab.host('nlb').addressTowards('batch'));
  });
  it('nobody has a route past a neighbour', async () => {
    const far = lab.host('mq-1').address;
    for (const name of ['web', 'batch', 'fw'])
      expect([name, await connect(lab.host(name), far)]).not.toContain('connected');
    for (const host of lab.hosts.values()) {
      const routes = await host.routes();
      expect(routes.filter(({ via, to }) => via !== undefined && to !== '0.0.0.0/0')).toEqual([]);
    }
  });

  it.each([
    ['web', 'nat'],
    ['nlb', 'mq-1'],
    ['mq-1', 'nlb'],
  ])('%s is cut off and comes back', async (cut, other) => {
    const reach = () => connect(lab.host(other), lab.host(cut).addressTowards(other));
    await lab.host(cut).setLinks(false);
    expect(await reach()).toBe('silence');
    await lab.host(cut).setLinks(true);
    await lab.host(cut).setLinks(true);
    expect(await reach()).toBe('connected');
  });

  it('forgets sockets without a word, and flows', async () => {
    const [nlb, mq] = [lab.host('nlb'), lab.host('mq-1')];
    await nlb.run('nft', ['-f', '-'], {
      input: 'table inet t { chain c { type filter hook output priority 0; ct state invalid drop; }; }',
      privileged: true,
    });
    const lines: string[] = [];
    const client = nlb.spawn(
      'node',
      ['-e', CLIENT.replace('setTimeout', '0 && setTimeout'), mq.addressTowards('nlb')],
      {
        onLine: (line) => lines.push(line),
      },
    );
    client.expectEnd();
    await client.line(/^connected$/);
    const ends = ({ sockets }: Awaited<ReturnType<LabHost['sockets']>>) =>
      sockets.filter(({ state, peer }) => state === 'ESTABLISHED' && peer.endsWith(`:${PORT}`)).length;
    expect(ends(await nlb.sockets())).toBe(1);
    expect((await nlb.flows()).length).toBeGreaterThan(0);
    await mq.dropSockets();
    expect((await mq.sockets()).sockets).toEqual([]);
    expect(ends(await nlb.sockets())).toBe(1);
    await nlb.forgetFlows();
    expect((await nlb.flows()).filter(({ reply }) => reply.sport === PORT)).toEqual([]);
    expect(lines).toEqual(['connected']);
    await client.stop();
  });

  it('says which engine can impair packets', () =>
    expect(lab.host('web').impair()).rejects.toMatchObject({ code: 'WRONG_KERNEL', todo: /virtual/ }));

  it('refuses programs what the lab’s own filter of system calls refuses: io_uring, whatever the container engine lets through', async () => {
    const call = `const koffi = require('${INSIDE.code}/node_modules/koffi');
      const result = koffi.load('libc.so.6').func('long syscall(long, long, long)')(425, 1, 0);
      console.log(result, koffi.errno())`;
    expect(await lab.host('web').run('node', ['-e', call])).toBe('-1 1\n');
  });
});
