// Outlives the process that plays a scenario on containers, whatever ends that: takes away the run's containers, networks and
// unfinished folder. Standard input is its lifeline; a line on it says that there is nothing left to take away.
//
// usage: guard <run> <folder>
import { rmSync } from 'node:fs';
import { containerEngine } from './client.ts';
import { sweep } from './sweep.ts';

const [run, folder] = process.argv.slice(2) as [string, string];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
let told = false;
process.stdin.on('data', () => {
  told = true;
});
process.stdin.once('end', async () => {
  if (told) return;
  rmSync(folder, { recursive: true, force: true });
  // A container may have been in the making.
  const client = await containerEngine();
  for (const wait of [0, 500, 2000]) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    await sweep(client, run);
  }
});
