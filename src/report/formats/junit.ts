import { xml } from '../../base/escape/xml.ts';
import type { Finding } from '../../judge/result.ts';
import type { Reporter } from '../reporter.ts';

function testcase(scenario: string, act: string, { id, title, status, expected, observed, why }: Finding): string {
  const head = `    <testcase classname="${xml(`${scenario}.${act}`)}" name="${xml(`${id}: ${title}`)}"`;
  const body = xml(`expected: ${expected}\nobserved: ${observed}\nwhy: ${why}`);
  if (status === 'pass') return `${head}/>`;
  if (status === 'fail')
    return `${head}>\n      <failure message="${xml(observed)}">${body}</failure>\n    </testcase>`;
  return `${head}>\n      <skipped message="${xml(`unknown: ${observed}`)}"/>\n    </testcase>`;
}

const junit: Reporter = {
  about: 'JUnit XML, a test case for each finding',
  single: true,
  render({ scenario, startedAt, wallSeconds, acts, problem }) {
    const findings = acts.flatMap((act) => act.findings);
    const count = (status: string) => findings.filter((each) => each.status === status).length;
    const errors = problem ? 1 : 0;
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="idlelab" tests="${findings.length + errors}" failures="${count('fail')}" errors="${errors}" skipped="${count('unknown')}" time="${wallSeconds}">`,
      `  <testsuite name="${xml(scenario)}" tests="${findings.length + errors}" failures="${count('fail')}" errors="${errors}" skipped="${count('unknown')}" time="${wallSeconds}" timestamp="${xml(startedAt)}">`,
      ...acts.flatMap((act) => act.findings.map((each) => testcase(scenario, act.name, each))),
      ...(problem
        ? [
            `    <testcase classname="${xml(scenario)}" name="run">\n      <error message="${xml(problem.code)}">${xml(`${problem.message}\n${problem.todo}`)}</error>\n    </testcase>`,
          ]
        : []),
      '  </testsuite>',
      '</testsuites>',
      '',
    ].join('\n');
  },
};
export default junit;
