import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Wanted } from '../../src/advice/advice.ts';
import { ADVICE } from '../../src/advice/catalogue.ts';
import { settingsFor } from '../../src/advice/settings.ts';
import { packageRoot } from '../../src/base/root.ts';
import { enterLab } from '../../src/engines/netns/engine.ts';
import { lacks, optionsOf, programAt, silentServer, soon } from '../helpers/read-back.ts';

const keepalive = { idleSeconds: 97, intervalSeconds: 13, probes: 7 };
const KEEPALIVE: Wanted = { keepalive, timeoutSeconds: 350, quietSeconds: 28_800, layer: 'L4' };
const HEARTBEAT: Wanted = {
  heartbeatSeconds: 20,
  heartbeatTimeoutSeconds: 5,
  timeoutSeconds: 60,
  quietSeconds: 28_800,
  layer: 'L7',
};

const folder = mkdtempSync(join(tmpdir(), 'idlelab-test-settings-'));
const running: ChildProcess[] = [];
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function textOf(target: string, wanted = KEEPALIVE): Promise<string> {
  const told = (await ADVICE.load(target)).default.tell(wanted);
  if (told === undefined) throw new Error(`${target} says nothing`);
  return told.text;
}

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

/** Runs a piece of Node.js, with the project's packages at hand. */
function node(name: string, code: string): ChildProcess {
  const cache = join(packageRoot, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `idlelab-${name}-${process.pid}-${running.length}.mjs`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', () => rmSync(file, { force: true }));
  running.push(child);
  return child;
}

const LIBUV = { keepalive: true, idleSeconds: 97, intervalSeconds: 1, probes: 10 };
const WHOLE = { keepalive: true, ...keepalive };

const IOREDIS = "import { Redis } from 'ioredis';";
const intoRedis = (text: string, port: number) =>
  text.replace(
    'new Redis({',
    `new Redis({ host: '127.0.0.1', port: ${port}, lazyConnect: false, enableReadyCheck: false,`,
  );

describe('what is pasted into a Node.js program is what its socket has', () => {
  it.each<[string, string, (text: string, port: number) => string, object, Wanted?]>([
    ['ioredis', IOREDIS, intoRedis, LIBUV, { ...KEEPALIVE, keepalive: { idleSeconds: 97 } }],
    ['ioredis', IOREDIS, intoRedis, WHOLE],
    [
      'node-redis',
      "import { createClient } from 'redis';",
      (text, port) =>
        `${text.replace('socket: {', `socket: { host: '127.0.0.1', port: ${port},`)}\nclient.on('error', () => {});\nclient.connect();`,
      LIBUV,
    ],
    [
      'amqplib',
      "import { connect } from 'amqplib';",
      (text, port) => text.replace("'amqp://broker'", `'amqp://127.0.0.1:${port}'`),
      LIBUV,
    ],
    [
      'pg',
      "import pg from 'pg';",
      (text, port) =>
        `${text.replace('new pg.Pool({', `new pg.Pool({ host: '127.0.0.1', port: ${port}, user: 'a', database: 'a',`)}\npool.connect();`,
      LIBUV,
    ],
  ])('%s', async (target, imports, insert, expected, wanted) => {
    await using server = await silentServer();
    const child = node(
      target,
      `${imports}\n${insert(await textOf(target, wanted), server.port)}\nsetInterval(() => {}, 1000);`,
    );
    const found = await soon(() => {
      const options = optionsOf(child.pid as number, server.port, 'peer');
      return options?.keepalive && options.intervalSeconds === (expected as typeof WHOLE).intervalSeconds
        ? options
        : undefined;
    });
    child.kill('SIGKILL');
    expect(found).toMatchObject(expected);
  });

  it('the heartbeats are valid programs', async () => {
    for (const [target, imports] of [
      ['ioredis', "import { Redis } from 'ioredis';"],
      ['node-redis', "import { createClient } from 'redis';"],
      ['amqplib', "import { connect } from 'amqplib';"],
      ['pg', "import pg from 'pg';"],
    ] as const) {
      const file = fileOf(`${target}-heartbeat.mjs`, `${imports}\n${await textOf(target, HEARTBEAT)}`);
      const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
      expect([target, status, stderr]).toEqual([target, 0, '']);
    }
  });
});

/** A program in network namespaces of its own: its output. */
function inNamespaces(...command: string[]): Promise<string> {
  const child = enterLab(command);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  return new Promise((resolve) => child.once('close', () => resolve(output)));
}

describe('what is said of command timeouts and heartbeats, run as it is', () => {
  /** What a program says and how it ends, with a server that never answers. */
  async function ends(wanted: Wanted, more: string): Promise<number | null> {
    await using server = await silentServer();
    const child = node(
      'ioredis-ends',
      `${IOREDIS}\n${intoRedis(await textOf('ioredis', wanted), server.port)}\n${more}`,
    );
    return await new Promise<number | null>((resolve) => child.once('exit', resolve));
  }
  it('a command on a silent connection fails by commandTimeout', async () => {
    const more = "redis.ping().catch((error) => process.exit(error.message === 'Command timed out' ? 42 : 1));";
    expect(await ends({ ...KEEPALIVE, commandTimeoutSeconds: 0.2 }, more)).toBe(42);
  });
  it('a heartbeat without an answer drops the connection and opens another', async () => {
    const more = "let opened = 0;\nredis.on('connect', () => { if (++opened === 2) process.exit(42); });";
    const wanted = { ...HEARTBEAT, heartbeatSeconds: 0.2, heartbeatTimeoutSeconds: 0.1 };
    expect(await ends(wanted, more)).toBe(42);
  });
});

describe('what is given to the kernel of a network namespace', () => {
  const sysctlProgram = programAt('sysctl');
  const probe = join(packageRoot, 'test/advice/kernel-default.ts');

  it.skipIf(lacks('sysctl'))(
    'a socket that turns keepalive on has the values of sysctl.conf, of IPv6 too',
    async () => {
      const file = fileOf('60-keepalive.conf', await textOf('sysctl'));
      const output = await inNamespaces(
        'sh',
        '-c',
        `${sysctlProgram} -q -p ${file} && exec ${process.execPath} ${probe}`,
      );
      expect(JSON.parse(output)).toMatchObject([WHOLE, WHOLE]);
    },
  );

  it('Docker and Kubernetes are given the same keys', async () => {
    const keys = (text: string) => [...text.matchAll(/net\.ipv4\.[a-z_]+/g)].map(([key]) => key).sort();
    const own = keys(await textOf('sysctl'));
    expect(keys(await textOf('docker'))).toEqual(own);
    expect(keys(await textOf('kubernetes'))).toEqual(own);
  });
});

describe('what a program’s own check accepts', () => {
  it.each([
    ['keepalive', KEEPALIVE],
    ['heartbeat', HEARTBEAT],
  ] as const)('haproxy -c: %s', async (name, tuning) => {
    const config = `${await textOf('haproxy', tuning)}\nlisten mq\n    bind 127.0.0.1:16379\n    server a 127.0.0.1:16380\n`;
    const { status, stderr } = spawnSync('haproxy', ['-c', '-f', fileOf(`haproxy-${name}.cfg`, config)], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    expect([status, stderr.replace(/^.*Configuration file is valid.*$/m, '').trim()]).toEqual([0, '']);
  });

  it.skipIf(lacks('nginx')).each([
    ['keepalive', KEEPALIVE],
    ['heartbeat', HEARTBEAT],
  ] as const)('nginx -t: %s', async (name, tuning) => {
    const module = '/usr/lib/nginx/modules/ngx_stream_module.so';
    const config = `load_module ${module};\npid ${folder}/nginx.pid;\nevents {}\n${(await textOf('nginx', tuning)).replace('listen 6379', 'listen 127.0.0.1:16379')}\n`;
    const { status, stderr } = spawnSync(
      programAt('nginx') as string,
      ['-t', '-e', 'stderr', '-p', folder, '-c', fileOf(`nginx-${name}.conf`, config)],
      { encoding: 'utf8' },
    );
    expect([status, /syntax is ok/.test(stderr)]).toEqual([0, true]);
  });

  it.skipIf(lacks('systemd-analyze'))('systemd-analyze verify', async () => {
    const unit = `[Unit]\nDescription=test\n${(await textOf('systemd')).replace('[Socket]', '[Socket]\nListenStream=127.0.0.1:16379\nAccept=yes')}\n`;
    const service = fileOf('keep@.service', '[Service]\nExecStart=/bin/true\n');
    const { stderr } = spawnSync(
      programAt('systemd-analyze') as string,
      ['verify', fileOf('keep.socket', unit), service],
      { encoding: 'utf8' },
    );
    expect(stderr.split('\n').filter((line) => line.includes('keep.socket'))).toEqual([]);
  });

  it.skipIf(lacks('docker-compose'))('docker-compose config', async () => {
    const text = `version: "3"\n${(await textOf('docker')).replace('  app:\n', '  app:\n    image: none\n')}\n`;
    const { status, stdout } = spawnSync(
      programAt('docker-compose') as string,
      ['-f', fileOf('compose.yml', text), 'config'],
      { encoding: 'utf8' },
    );
    expect([status, /tcp_keepalive_time: '?97/.test(stdout)]).toEqual([0, true]);
  });

  it.skipIf(lacks('python3'))('Python sets the options of redis-py on a socket', async () => {
    await using server = await silentServer();
    const text = (await textOf('python')).replace('client = redis.Redis(', 'options = dict(');
    const code = `import socket, time\n${text}\ns = socket.create_connection(('127.0.0.1', ${server.port}))\nif options['socket_keepalive']:\n    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)\nfor name, value in options['socket_keepalive_options'].items():\n    s.setsockopt(socket.IPPROTO_TCP, name, value)\ntime.sleep(60)\n`;
    const child = spawn(programAt('python3') as string, ['-c', code], { stdio: 'ignore' });
    running.push(child);
    const pid = child.pid as number;
    const found = await soon(() => {
      const options = optionsOf(pid, server.port, 'peer');
      return options?.probes === 7 ? options : undefined;
    });
    child.kill('SIGKILL');
    expect(found).toMatchObject(WHOLE);
  });

  it.skipIf(lacks('psql'))('libpq sets what its connection string says', async () => {
    await using server = await silentServer();
    const [parameters] = /keepalives_idle=.*/.exec(await textOf('postgresql')) ?? [];
    const child = spawn(
      programAt('psql') as string,
      [`host=127.0.0.1 port=${server.port} user=a dbname=a ${parameters}`],
      {
        stdio: 'ignore',
      },
    );
    running.push(child);
    const found = await soon(() => optionsOf(child.pid as number, server.port, 'peer'));
    child.kill('SIGKILL');
    expect(found).toMatchObject(WHOLE);
  });

  it.skipIf(lacks('javac'))('Java sets the options on a socket', async () => {
    await using server = await silentServer();
    const code = `import java.net.*;\nimport jdk.net.ExtendedSocketOptions;\npublic class Keep {\n  public static void main(String[] arguments) throws Exception {\n    Socket socket = new Socket("127.0.0.1", ${server.port});\n    ${(await textOf('java')).replaceAll('\n', '\n    ')}\n    Thread.sleep(60000);\n  }\n}\n`;
    const child = spawn('java', [fileOf('Keep.java', code)], { stdio: 'ignore' });
    running.push(child);
    const found = await soon(() => {
      const options = optionsOf(child.pid as number, server.port, 'peer');
      return options?.probes === 7 ? options : undefined;
    });
    child.kill('SIGKILL');
    expect(found).toMatchObject(WHOLE);
  });

  it('a Redis server has tcp-keepalive on what it accepts', async () => {
    const { port } = await (async () => {
      await using server = await silentServer();
      return server;
    })();
    const child = spawn(
      'redis-server',
      [fileOf('redis.conf', `${await textOf('redis-server')}\nport ${port}\nbind 127.0.0.1\nsave ""\ndir ${folder}\n`)],
      { stdio: 'ignore' },
    );
    running.push(child);
    const { connect } = await import('node:net');
    const socket = await soon(() => {
      const attempt = connect(port, '127.0.0.1');
      attempt.on('error', () => {});
      return attempt;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const again = socket.destroyed ? connect(port, '127.0.0.1') : socket;
    again.on('error', () => {});
    const found = await soon(() => optionsOf(child.pid as number, port, 'local'));
    again.destroy();
    child.kill('SIGKILL');
    expect(found).toMatchObject({ keepalive: true, idleSeconds: 97, intervalSeconds: 32, probes: 3 });
  });
});

describe('every target', () => {
  it('says how it was tested, and something for a keepalive', async () => {
    const all = await settingsFor(KEEPALIVE);
    expect(all.map(({ target }) => target).sort()).toEqual(ADVICE.names());
    for (const { tested, text } of all) expect([tested.length > 5, /\d/.test(text)]).toEqual([true, true]);
  });
  it('says nothing about TCP where only a heartbeat helps', async () => {
    const all = (await settingsFor(HEARTBEAT)).map(({ target }) => target);
    expect(all).not.toContain('sysctl');
    expect(all).toEqual(expect.arrayContaining(['haproxy', 'nginx', 'ioredis', 'node-redis', 'amqplib']));
  });
});
