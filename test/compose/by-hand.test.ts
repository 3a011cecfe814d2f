import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/root.ts';
import { containersThere } from '../helpers/docker.ts';

const IDLE_SECONDS = 4;

/** `docker compose` (the plugin) and `docker-compose` (1.29): whichever are here. */
const available = [['docker', 'compose'], ['docker-compose']].filter(
  ([program, ...args]) => spawnSync(program as string, [...args, 'version']).status === 0,
);

interface Ended {
  status: number | null;
  output: string;
}

class Compose {
  readonly #command: readonly string[];
  readonly #env: Record<string, string>;

  constructor(command: readonly string[]) {
    this.#command = command;
    this.#env = {
      IDLE_TIMEOUT: String(IDLE_SECONDS),
      COMPOSE_PROJECT_NAME: `idlelab-test-${process.pid}`,
      CLIENTS_NET: '198.18.242',
      BROKERS_NET: '198.18.243',
    };
  }

  run(...args: string[]): Ended {
    const [program, ...before] = this.#command as [string];
    const { status, stdout, stderr } = spawnSync(program, [...before, ...args], {
      cwd: packageRoot,
      encoding: 'utf8',
      env: { ...process.env, ...this.#env },
    });
    return { status, output: status === 0 ? stdout : stdout + stderr };
  }

  /** Types a line of the guide where the guide says. */
  type({ where, command }: Line): Ended {
    if (where === 'client') return this.run('exec', '-T', 'client', 'bash', '-c', command);
    const [first, ...args] = command.replace(/^docker compose /, '').split(' ') as [string];
    // There is no terminal here.
    return this.run(first, '-T', ...args);
  }
}

interface Line {
  where: 'client' | 'host';
  command: string;
}

const linesOf = (guide: string): Line[] =>
  [...guide.matchAll(/^ +(host)?\$ (.*?)(?: {2,}.*)?$/gm)].map(([, host, command]) => ({
    where: host ? 'host' : 'client',
    command: command as string,
  }));

describe.runIf(containersThere)('docker-compose.yml', () => {
  it('can be tried here: there is a compose', () => {
    expect(available.length).toBeGreaterThan(0);
  });

  describe.each(available.map((command) => [command.join(' '), new Compose(command)] as const))('%s', (_, compose) => {
    let lines: Line[];
    const typed = (pattern: RegExp): Ended => {
      const line = lines.find(({ command }) => pattern.test(command));
      if (!line) throw new Error(`the guide has no ${pattern}`);
      return compose.type(line);
    };

    beforeAll(() => {
      const up = compose.run('up', '-d', '--build');
      if (up.status !== 0) throw new Error(up.output);
      lines = linesOf(compose.run('exec', '-T', 'client', 'guide').output);
    });
    afterAll(() => {
      compose.run('down', '--volumes', '--timeout', '2');
    });

    it('the client’s first screen is the guide, with the lengths of this lab', () => {
      const { output } = compose.run('exec', '-T', 'client', 'bash', '-ic', 'exit');
      expect(output).toMatch(/^idlelab, by hand\./);
      expect(output).toContain(`idle for ${IDLE_SECONDS} s`);
      expect(Math.max(...output.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    });

    it('1: the second PING is reset, and one of the brokers has a zombie', () => {
      const { status, output } = typed(/^nap l4 \d+$/);
      expect(output).toMatch(/^PING +PONG/m);
      expect(output).toMatch(/^PING +reset by peer \(RST\)/m);
      expect(status).toBe(1);
      const states = [typed(/exec mq-1 ss/), typed(/exec mq-2 ss/)].map(
        ({ output: text }) => text.trim().split('\n').length - 1,
      );
      expect(states.sort()).toEqual([0, 1]);
    });

    it('2: the second PING gets no answer', () => {
      const { status, output } = typed(/^nap l4:6380/);
      expect(output).toMatch(/^PING +PONG/m);
      expect(output).toMatch(/^PING +no answer/m);
      expect(status).toBe(1);
    });

    it('3: with keepalive it is answered; the kernel has the keepalive that was asked for', () => {
      const { status, output } = typed(/^nap l4 \d+ --keepalive/);
      expect(output).toMatch(/^keepalive +first probe after 1 s, .*getsockopt/m);
      expect(output.match(/^PING +PONG/gm)).toHaveLength(2);
      expect(status).toBe(0);
    });

    it('4: HAProxy hangs up in spite of keepalive, and does not where the application speaks', () => {
      const hungUp = typed(/^nap haproxy .*--keepalive/);
      expect(hungUp.output).toMatch(/^over +closed by the other side \(FIN\), after [45]\.\d s/m);
      expect(hungUp.status).toBe(1);
      const kept = typed(/^nap haproxy .*--heartbeat/);
      expect(kept.output.match(/^PING +PONG/gm)).toHaveLength(2);
      expect(kept.status).toBe(0);
    });

    it('shows the packets', () => {
      const look = lines.find(({ command }) => command.startsWith('tcpdump')) as Line;
      // Spoken as soon as tcpdump listens, read line by line as a person would, through a pipe: with no terminal, a tcpdump that
      // does not write every line at once (-l) keeps them until it ends.
      const both = `timeout 60 ${look.command} 2>&1 | while read -r line; do echo "$line"; case $line in *'listening on'*) nap l4 1 > /dev/null & ;; *'Flags [S], '*) exit ;; esac; done`;
      expect(compose.type({ where: 'client', command: both }).output).toMatch(/Flags \[S\], /);
    });

    it('shows what the balancer remembers', () => {
      const flow = /ESTABLISHED src=198\.18\.242\.\d+ .*dport=6379 .*src=198\.18\.243/;
      // It speaks more often than the balancer forgets, until it is ended.
      compose.run('exec', '-T', '-d', 'client', 'timeout', '60', 'nap', 'l4', '50', '--heartbeat', '1');
      let output = '';
      for (let look = 0; look < 50 && !flow.test(output); look++) output = typed(/conntrack -L/).output;
      expect(output).toMatch(flow);
      compose.run('exec', '-T', 'client', 'pkill', '-x', 'timeout');
    });

    it('its containers have no rights but for the few that they need', () => {
      const capabilities = ['client', 'haproxy', 'l4', 'mq-1'].map((service) => {
        const { output } = compose.run('exec', '-T', service, 'sh', '-c', 'id -u; grep CapEff /proc/1/status');
        return [service, ...output.trim().split(/\s+/)];
      });
      const none = '0'.repeat(16);
      expect(capabilities).toEqual([
        ['client', '0', 'CapEff:', '00000000000020e0'],
        ['haproxy', '10001', 'CapEff:', none],
        ['l4', '0', 'CapEff:', '0000000000001000'],
        ['mq-1', '10001', 'CapEff:', none],
      ]);
    });
  });
});
