// The lab's process: the first of its own user, network, mount and process namespaces. When it ends, in whatever way,
// the kernel takes everything in them along. Its standard input brings the plan, in one line, and is its lifeline: when
// it closes the lab ends, and the output folder goes too unless the run has been moved to its place by then. It tells
// what it does in lines of JSON.
//
// usage: inside <folder to copy the evidence to>
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Job } from '../../plan/job.ts';
import type { Message } from '../../stage/record.ts';
import { playJob } from '../play-job.ts';
import { openGround } from './network.ts';

const [output] = process.argv.slice(2) as [string];
const input = createInterface({ input: process.stdin });

function leave(): never {
  rmSync(output, { recursive: true, force: true });
  process.exit(1);
}
// Whoever started us has finished or is gone, by whatever signal: so are we, and with us the lab.
input.on('close', leave);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);

const job = JSON.parse((await once(input, 'line'))[0] as string) as Job;
const tell = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`);
await playJob(job, { openGround, clockJumps: false }, output, tell);
