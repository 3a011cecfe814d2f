// The part of `npm run bench` that needs a container engine.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { packageRoot } from '../base/root.ts';
import { containerEngine } from '../engines/docker/client.ts';
import { docker } from '../engines/docker/engine.ts';
import { labImage } from '../engines/docker/image.ts';
import { KNOWN } from '../judge/known.ts';
import { findScenario } from '../plan/catalogue.ts';
import { planScenario } from '../plan/make-plan.ts';
import type { ServerPlan } from '../plan/plan.ts';
import type { ActRecord } from '../stage/record.ts';
import { type Figure, median } from './figure.ts';
import { runScenario } from './run-scenario.ts';

const ROUNDS = 3;
/** A client, a balancer and three brokers: as many as docker-compose.yml has. */
const BROKERS = 3;

interface Times {
  up: number;
  down: number;
}

/** A lab of five containers, from nothing to the first answer, and to nothing again. */
async function engineTimes(scratch: string): Promise<Times> {
  const plan = await planScenario(findScenario('reset'), 'compressed', KNOWN);
  const [act] = plan.acts;
  if (!act) throw new Error('reset has no acts');
  const broker = act.hosts.find((host) => host.role === 'server') as ServerPlan;
  const hosts = [
    ...act.hosts.filter((host) => host.role !== 'server'),
    ...Array.from({ length: BROKERS }, (_, index) => ({ ...broker, name: `mq-${index + 1}` })),
  ];
  const paths = act.paths.map((path) => ({
    ...path,
    servers: hosts.flatMap(({ name, role }) => (role === 'server' ? [name] : [])),
  }));
  plan.acts = [{ ...act, hosts, paths, timeline: act.timeline.slice(0, 2), expect: [] }];
  let began = 0;
  let played: ActRecord | undefined;
  const { folder } = await runScenario(plan, {
    engine: docker,
    runsFolder: scratch,
    onMessage: (message) => {
      if (message.type === 'act') began = Date.now() / 1000;
      if (message.type === 'played') played = message.act;
    },
    signal: new AbortController().signal,
  });
  const events = readFileSync(join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
  const replies = events
    .map((line) => JSON.parse(line) as { event: string; time: number })
    .filter(({ event }) => event === 'reply');
  return { up: Math.min(...replies.map(({ time }) => time)) - began, down: played?.downSeconds ?? Number.NaN };
}

/** The same by docker-compose.yml. */
function composeTimes(command: readonly string[]): Times {
  const [program, ...before] = command as [string];
  const project = `idlelab-bench-${randomBytes(3).toString('hex')}`;
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: project,
    CLIENTS_NET: '198.18.244',
    BROKERS_NET: '198.18.245',
  };
  const run = (...args: string[]) =>
    spawnSync(program, [...before, ...args], { cwd: packageRoot, encoding: 'utf8', env });
  const began = performance.now();
  const { status, stderr } = run('up', '-d');
  if (status !== 0) throw new Error(stderr);
  const client = run('ps', '-q', 'client').stdout.trim();
  for (let answered = false; !answered; )
    answered = spawnSync('docker', ['exec', client, 'redis-cli', '-h', 'l4', 'PING'], {
      encoding: 'utf8',
    }).stdout.includes('PONG');
  const up = (performance.now() - began) / 1000;
  const ended = performance.now();
  run('down', '--timeout', '1');
  return { up, down: (performance.now() - ended) / 1000 };
}

/** From a changed source file to the image that has the change. */
function rebuildSeconds(): number {
  const context = mkdtempSync(join(tmpdir(), 'idlelab-bench-image-'));
  const build = () =>
    spawnSync(
      'docker',
      ['build', '-q', '-f', 'services/image/Dockerfile', '--target', 'lab', '-t', 'idlelab/lab:bench', '.'],
      { cwd: context, encoding: 'utf8' },
    );
  try {
    for (const name of ['src', 'services', 'lab', 'package.json', 'package-lock.json', '.dockerignore'])
      cpSync(join(packageRoot, name), join(context, name), { recursive: true });
    const first = build();
    if (first.status !== 0) throw new Error(first.stderr);
    return median(
      Array.from({ length: ROUNDS }, (_, round) => {
        appendFileSync(
          join(context, 'src/engines/docker/inside.ts'),
          `console.error(${round}, '${randomBytes(8).toString('hex')}');\n`,
        );
        const began = performance.now();
        build();
        return (performance.now() - began) / 1000;
      }),
    );
  } finally {
    spawnSync('docker', ['rmi', 'idlelab/lab:bench']);
    rmSync(context, { recursive: true, force: true });
  }
}

/** Containers: against docker-compose in the same run, for its speed is the engine's. */
export async function containerFigures(scratch: string): Promise<Figure[]> {
  try {
    await labImage(await containerEngine(), (text) => console.error(text));
  } catch (error) {
    console.error(`containers are left out: ${messageOf(error)}`);
    return [];
  }
  const compose = [['docker-compose'], ['docker', 'compose']].find(
    ([program, ...args]) => spawnSync(program as string, [...args, 'version']).status === 0,
  );
  const rebuild: Figure = {
    what: 'image, rebuilt after a change of a source',
    value: rebuildSeconds(),
    limit: 10,
    unit: 's',
  };
  if (!compose) {
    console.error('the comparison with docker-compose is left out: it is not here');
    return [rebuild];
  }
  const [program, ...args] = compose as [string];
  const built = spawnSync(program, [...args, 'build'], { cwd: packageRoot, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  const ours: Times[] = [];
  const theirs: Times[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await engineTimes(scratch));
    theirs.push(composeTimes(compose));
  }
  const ratio = (which: keyof Times): Figure => {
    const [mine, other] = [ours, theirs].map((times) => median(times.map((each) => each[which]))) as [number, number];
    return {
      what: `five containers ${which === 'up' ? 'up to the first answer' : 'down'}, against ${compose.join(' ')}`,
      value: mine / other,
      limit: 1.3,
      unit: 'times',
      note: `${mine.toFixed(2)} s against ${other.toFixed(2)} s`,
    };
  };
  return [ratio('up'), ratio('down'), rebuild];
}
