// The lab's process inside the time-travelling kernel: its init. The plan lies in the run's folder; what happens goes to
// a file in that folder in lines of JSON, the last line to the console. When it has nothing left to do it switches the
// kernel off.
//
// usage: inside <folder with plan.json, where the evidence goes>
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { now } from '../../base/clock.ts';
import { loadModule } from '../../linux/libc.ts';
import { boxKindsOf, type Job } from '../../plan/job.ts';
import { BOXES } from '../../stage/catalogue.ts';
import type { Message } from '../../stage/record.ts';
import { appendLine } from '../../talk/line-file.ts';
import { openGround } from '../netns/network.ts';
import { playJob } from '../play-job.ts';
import { MESSAGES_FILE, PLAN_FILE } from './run-kernel.ts';

const LINUX_REBOOT_CMD_POWER_OFF = 0x4321fedc;
/** So seldom that it costs nothing, and often enough to see a lab whose clock stands still. */
const CLOCK_SECONDS = 60;

const [output] = process.argv.slice(2) as [string];
let act = '';
const tell = (message: Message) => {
  if (message.type === 'act') act = message.act;
  const line = JSON.stringify(message);
  if (message.type === 'done' || message.type === 'error') process.stdout.write(`${line}\n`);
  else appendLine(join(output, MESSAGES_FILE), line);
};
setInterval(() => tell({ type: 'clock', act, time: now() }), CLOCK_SECONDS * 1000);

/** What middleboxes need and is not built in lies beside the kernel. */
async function loadModules(kinds: readonly string[]): Promise<void> {
  for (const kind of kinds)
    for (const name of (await BOXES.load(kind)).default.modules ?? [])
      loadModule(join(process.env.IDLELAB_MODULES ?? '', `${name}.ko`));
}

const file = join(output, PLAN_FILE);
const job = JSON.parse(readFileSync(file, 'utf8')) as Job;
rmSync(file);
await loadModules(boxKindsOf(job));
await playJob(job, { openGround, clockJumps: true }, output, tell);

const libc = koffi.load('libc.so.6');
libc.func('void sync()')();
libc.func('int reboot(int)')(LINUX_REBOOT_CMD_POWER_OFF);
