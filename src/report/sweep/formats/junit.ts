import { xml } from '../../../base/escape/xml.ts';
import { asExpected } from '../../../sweep/verdict.ts';
import type { SweepReporter } from '../reporter.ts';
import { boxName } from '../say.ts';

const junit: SweepReporter = {
  about: 'JUnit XML, a test case for each recommendation, its neighbours, and the agreement with the model',
  file: 'junit.xml',
  render(result) {
    const { name, wallSeconds, startedAt, recommendations, disagreements, problems, trials } = result;
    const cases = [
      ...recommendations.flatMap((each) => {
        const where = `${name}.${boxName(result, each.box)}`;
        const found = each.cell !== null || each.verdict === 'not-needed';
        return [
          { where, name: 'a tuning does all that is asked', failure: found ? undefined : each.sentence },
          ...each.neighbours.map((neighbour) => ({
            where,
            name: `${neighbour.cell} ${neighbour.expected}`,
            failure: asExpected(neighbour) === true ? undefined : neighbour.says,
          })),
        ];
      }),
      ...disagreements.map(({ trial, predicted, measured }) => ({
        where: `${name}.model`,
        name: trial,
        failure: `predicted ${predicted}, measured ${measured}`,
      })),
      {
        where: `${name}.model`,
        name: `${trials.measured} measurements are what the model predicts`,
        failure: disagreements.length === 0 ? undefined : `${disagreements.length} are not`,
      },
    ];
    const failures = cases.filter(({ failure }) => failure !== undefined).length;
    const counts = `tests="${cases.length + problems.length}" failures="${failures}" errors="0" skipped="${problems.length}" time="${wallSeconds}"`;
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="idlelab" ${counts}>`,
      `  <testsuite name="${xml(name)}" ${counts} timestamp="${xml(startedAt)}">`,
      ...cases.map(({ where, name: title, failure }) =>
        failure === undefined
          ? `    <testcase classname="${xml(where)}" name="${xml(title)}"/>`
          : `    <testcase classname="${xml(where)}" name="${xml(title)}">\n      <failure message="${xml(failure)}"/>\n    </testcase>`,
      ),
      ...problems.map(
        (problem) =>
          `    <testcase classname="${xml(name)}.trials" name="${xml(problem)}">\n      <skipped message="no answer"/>\n    </testcase>`,
      ),
      '  </testsuite>',
      '</testsuites>',
      '',
    ].join('\n');
  },
};
export default junit;
