// `npm run kernel`: builds the time-travelling kernel of the virtual engine into the user's cache.
import { Command, Option } from 'commander';
import { createLogUpdate } from 'log-update';
import { buildKernel } from '../engines/virtual/build.ts';
import { findKernel } from '../engines/virtual/kernel.ts';
import { EXIT } from '../errors.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../scenario/hz.ts';
import { runCommand } from './command.ts';

const program = new Command('kernel')
  .description('Builds the kernel of the virtual engine: User-Mode Linux with time travel. Takes about three minutes.')
  .addOption(
    new Option('--hz <hz>', 'timer interrupts a second: decides how late long timers fire')
      .choices(HZ.map(String))
      .default(String(DEFAULT_HZ)),
  );

await runCommand(program, async () => {
  const hz = Number(program.opts<{ hz: string }>().hz) as Hz;
  const ready = findKernel(hz);
  if (ready !== undefined) {
    console.log(ready);
    return EXIT.asExpected;
  }
  const live = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  let told = '';
  try {
    const kernel = await buildKernel({
      hz,
      onProgress(text) {
        // Elsewhere than on a terminal, every step once; the count of files is for those who watch.
        const step = text.replace(/,.*/, '');
        if (live) live(`⧗ ${text}`);
        else if (step !== told) console.error(text.replace(/, file \d+ of/, ','));
        told = step;
      },
    });
    live?.clear();
    console.log(kernel);
    return EXIT.asExpected;
  } finally {
    live?.done();
  }
});
