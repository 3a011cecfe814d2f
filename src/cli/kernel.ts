// `npm run kernel`: builds the time-travelling kernel of the virtual engine into the user's cache.
import { Command, Option } from 'commander';
import { createLogUpdate } from 'log-update';
import { EXIT } from '../base/errors.ts';
import { DEFAULT_HZ, HZ, type Hz } from '../base/hz.ts';
import { buildKernel } from '../engines/virtual/build.ts';
import { findKernel } from '../engines/virtual/kernel.ts';
import { runCommand } from './command.ts';

const program = new Command('kernel')
  .description('Builds the kernel of the virtual engine: User-Mode Linux with time travel. Takes about three minutes.')
  .addOption(
    new Option('--hz <hz>', 'timer interrupts a second: decides how late long timers fire')
      .choices([...HZ.map(String), 'all'])
      .default(String(DEFAULT_HZ)),
  );

await runCommand(program, async () => {
  const { hz } = program.opts<{ hz: string }>();
  const wanted = hz === 'all' ? HZ : [Number(hz) as Hz];
  const missing = wanted.filter((each) => findKernel(each) === undefined);
  const live = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  let told = '';
  try {
    for (const each of missing)
      await buildKernel({
        hz: each,
        keepSource: each !== missing.at(-1),
        onProgress(text) {
          // Elsewhere than on a terminal, every step once; the count of files is for those who watch.
          const step = text.replace(/,.*/, '');
          const what = `kernel, HZ ${each}: `;
          if (live) live(`⧗ ${what}${text}`);
          else if (what + step !== told) console.error(what + text.replace(/, file \d+ of/, ','));
          told = what + step;
        },
      });
    live?.clear();
    for (const each of wanted) console.log(findKernel(each));
    return EXIT.asExpected;
  } finally {
    live?.done();
  }
});
