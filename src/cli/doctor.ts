// `npm run doctor`: which engines can run here, which check failed, and what to do about it.
import { Command } from 'commander';
import { EXIT } from '../base/errors.ts';
import { forTerminalAll } from '../base/escape/terminal.ts';
import { canRun, type Diagnosis } from '../engines/diagnosis.ts';
import { diagnoseDocker } from '../engines/docker/diagnose.ts';
import { diagnoseNamespaces, diagnosePrograms } from '../engines/netns/diagnose.ts';
import { diagnoseKernels } from '../engines/virtual/diagnose.ts';
import { KNOWN } from '../judge/known.ts';
import { SCENARIOS } from '../plan/catalogue.ts';
import { planScenario } from '../plan/make-plan.ts';
import type { ActPlan } from '../plan/plan.ts';
import { type Paint, painter } from '../report/text.ts';
import { runCommand } from './command.ts';
import { colored } from './terminal.ts';

/** In one column: a mark, the check, what was found; what to do stands below. */
function lines(diagnosis: Diagnosis, paint: Paint): string[] {
  // What programs of this machine answered stands in it.
  const { what, ok, found, todo, optional } = forTerminalAll(diagnosis);
  const mark = ok ? paint('green', '✔') : optional ? paint('yellow', '–') : paint('red', '✖');
  return [
    `  ${mark} ${what}: ${found}`,
    ...(ok || todo === undefined ? [] : [`    ${optional ? 'for some scenarios' : 'what to do'}: ${todo}`]),
  ];
}

const program = new Command('doctor').description(
  'Tells which engines can run on this machine, which check failed, and what to do.',
);

await runCommand(program, async () => {
  const paint = painter(colored(process.stdout));
  const act = async () => (await planScenario(SCENARIOS.path('reset'), 'compressed', KNOWN)).acts[0] as ActPlan;
  const programs = diagnosePrograms();
  const namespaces = [...programs, ...(await diagnoseNamespaces())];
  const kernels = [...programs, ...(await diagnoseKernels())];
  const engines: [string, string, Diagnosis[]][] = [
    ['netns', 'network namespaces of this machine, in real time', namespaces],
    ['virtual', 'kernels of its own, in virtual time, without root', kernels],
    // Its programs are in the image.
    ['docker', 'containers, in real time', await diagnoseDocker(act)],
  ];
  console.log(paint('bold', 'programs'));
  for (const each of programs) for (const line of lines(each, paint)) console.log(line);
  let able = 0;
  for (const [name, about, diagnoses] of engines) {
    const ok = canRun(diagnoses);
    if (ok) able++;
    console.log(
      `\n${paint('bold', name)}  ${about}: ${ok ? paint('green', 'can run here') : paint('red', 'cannot run here')}`,
    );
    for (const each of diagnoses)
      if (!programs.includes(each)) for (const line of lines(each, paint)) console.log(line);
  }
  return able > 0 ? EXIT.asExpected : EXIT.cannotRun;
});
