import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DockerLab } from '../../../src/engines/docker/lab.ts';
import { KNOWN } from '../../../src/judge/known.ts';
import { SCENARIOS } from '../../../src/plan/catalogue.ts';
import { planScenario } from '../../../src/plan/make-plan.ts';
import type { ActPlan } from '../../../src/plan/plan.ts';
import { containersThere, dockerLab } from '../../helpers/docker.ts';
import { Targets } from '../isolation.ts';

/** Tries to connect from a host; what it met, in the shell's words. */
const connect = (lab: DockerLab, from: string, address: string, port: number) =>
  lab
    .host(from)
    .run('bash', [
      '-c',
      `timeout 2 bash -c 'echo > /dev/tcp/${address}/${port}' 2>&1 && echo connected || echo "not connected, $?"`,
    ]);

describe.runIf(containersThere)('a lab of containers', () => {
  let lab: DockerLab;
  beforeAll(async () => {
    const plan = await planScenario(SCENARIOS.path('rebalance'), 'compressed', KNOWN);
    lab = await dockerLab(plan.acts[0] as ActPlan);
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it('has hosts on internal networks of 198.19.0.0/16 and on no other, the balancer alone on both', async () => {
    const seen: Record<string, number> = {};
    for (const host of lab.hosts.values()) {
      const { NetworkSettings } = await host.container.inspect();
      const networks = Object.entries(NetworkSettings.Networks);
      seen[host.name] = networks.length;
      for (const [name, { IPAddress }] of networks) {
        expect(name).toMatch(/^idlelab-[0-9a-f]{8}-to-(balancer|mq-1)$/);
        expect(IPAddress).toMatch(/^198\.19\./);
      }
    }
    expect(seen).toEqual({ pool: 1, balancer: 2, 'mq-1': 1, 'mq-2': 1 });
  });

  it('has no route past the balancer: a client cannot reach a broker whose server listens', async () => {
    const broker = lab.host('mq-1');
    const server = broker.spawn('redis-server', ['--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '']);
    await server.line(/Ready to accept/);
    expect(await connect(lab, 'balancer', broker.address, 6379)).toBe('connected\n');
    expect(await connect(lab, 'pool', broker.address, 6379)).toMatch(/^not connected|unreachable|No route/);
    await server.stop();
  });

  it('has no way out: the machine is not on its networks, and nobody is where a default route would lead', async () => {
    const mine = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
    const networks = [...lab.hosts.values()].map(({ address }) => address.replace(/\d+$/, ''));
    expect(mine.filter((address) => networks.some((network) => address.startsWith(network)))).toEqual([]);
    const owned = [...lab.hosts.values()].flatMap((host) => [host.address, host.serviceAddress]);
    for (const host of lab.hosts.values()) {
      const routes = ((await host.procNet('route')) ?? '').trim().split('\n').slice(1);
      for (const [, destination, gateway] of routes.map((line) => line.split('\t'))) {
        if (destination === '00000000')
          expect(owned).not.toContain(
            Buffer.from(gateway as string, 'hex')
              .reverse()
              .join('.'),
          );
        else expect(destination).toMatch(/13C6$/);
      }
    }
  });

  it('cannot reach a server of this machine', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '0.0.0.0');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const mine = Object.values(networkInterfaces()).flatMap(
      (all) =>
        all?.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address) ?? [],
    );
    expect(mine.length).toBeGreaterThan(0);
    for (const address of mine)
      for (const host of ['pool', 'balancer', 'mq-1'])
        expect([host, await connect(lab, host, address, port)]).toEqual([
          host,
          expect.not.stringMatching(/^connected/),
        ]);
    server.close();
  });

  it('is never privileged; rights over a network has the balancer alone, and servers have none at all', async () => {
    const rights: Record<string, boolean> = {};
    for (const host of lab.hosts.values()) {
      const { HostConfig } = await host.container.inspect();
      expect(HostConfig.Privileged).toBe(false);
      expect(HostConfig.CapDrop).toEqual(['ALL']);
      rights[host.name] = HostConfig.CapAdd?.some((name: string) => /NET_ADMIN/.test(name)) ?? false;
    }
    expect(rights).toEqual({ pool: false, balancer: true, 'mq-1': false, 'mq-2': false });
    const lines: string[] = [];
    const server = lab.host('mq-1').spawn('cat', ['/proc/self/status'], { onLine: (line) => lines.push(line) });
    server.expectEnd();
    await server.ended;
    expect(lines).toContainEqual(expect.stringMatching(/^Uid:\t10001\t10001/));
    expect(lines).toContainEqual(expect.stringMatching(/^CapEff:\t0+$/));
  });

  it('has limits, and nothing to write to but its scratch folder, its evidence and /tmp', async () => {
    for (const host of lab.hosts.values()) {
      const { HostConfig } = await host.container.inspect();
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, PidsLimit: 512, Memory: 1024 ** 3 });
    }
    await expect(lab.host('mq-1').run('touch', ['/usr/idlelab-test'], { privileged: true })).rejects.toThrow(
      /Read-only file system/,
    );
  });

  it('refuses everything to a hostile program', async () => {
    const targets = await new Targets().open('/opt/idlelab/node_modules/koffi');
    try {
      const lines: string[] = [];
      const server = lab.host('mq-1').spawn('node', ['-e', targets.program], { onLine: (line) => lines.push(line) });
      server.expectEnd();
      await server.ended;
      // The container engine's own filter of system calls decides that: Docker's lets io_uring through in some versions.
      targets.expectAllRefused(lines.join('\n'), ['set up an io_uring']);
    } finally {
      targets.close();
    }
  });

  it('says what the kernel has, not what was asked for: a sysctl that is otherwise is an error', async () => {
    await expect(lab.host('pool').setSysctl('net.ipv4.tcp_retries2', 3)).rejects.toThrow(
      /net\.ipv4\.tcp_retries2 is 15, not 3/,
    );
  });
});
