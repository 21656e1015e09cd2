// Prints "passed failed" of a vitest or a Playwright report.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const { stats } = report;
const passed = stats ? stats.expected + stats.flaky : report.numPassedTests;
// A file that does not load has no tests, and a report may hold errors of its own.
const broken = stats
  ? (report.errors?.length ?? 0)
  : report.testResults.filter(
      (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
        file.status === 'failed' && file.assertionResults.length === 0,
    ).length;
console.log(passed, (stats ? stats.unexpected : report.numFailedTests) + broken);
