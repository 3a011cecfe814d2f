// Which trials a host can play together.
import { LabError } from '../../base/errors.ts';
import type { Trial } from '../../plan/trial.ts';
import { BOXES } from '../catalogue.ts';

const kindOf = (trial: Trial): string => Object.keys(trial.box.playedBy)[0] as string;

/** Trials by the host that can play their middleboxes. @throws LabError BAD_OPTION */
export async function groupsOf(trials: readonly Trial[]): Promise<Map<string, Trial[]>> {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    const { many } = (await BOXES.load(kindOf(trial))).default;
    const group = many?.group(trial.box);
    if (group === undefined)
      throw new LabError(
        'BAD_OPTION',
        `a middlebox that is played by ${JSON.stringify(trial.box.playedBy)} cannot be swept`,
        'play a scenario with it',
      );
    const name = `${kindOf(trial)} ${group}`;
    const members = groups.get(name);
    if (members) members.push(trial);
    else groups.set(name, [trial]);
  }
  return groups;
}
