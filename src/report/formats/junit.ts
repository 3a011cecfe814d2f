import type { Finding } from '../../judge/result.ts';
import type { Reporter } from '../reporter.ts';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Escapes for XML, and leaves out what XML 1.0 cannot hold. */
const xml = (text: string) =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] as string);

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
