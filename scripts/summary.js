// The last line of a CI run: what the test runner's own report says.
import { readFileSync } from 'node:fs';

try {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(process.argv[2], 'utf8'),
  );
  const broken = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  ).length;
  if (numPendingTests > 0) console.log(`${numPendingTests} skipped`);
  if (broken > 0) console.log(`${broken} test files failed as a whole`);
  console.log(`${numPassedTests} passed, ${numFailedTests + broken} failed`);
} catch (error) {
  console.log(`the tests left no report: ${error.message}`);
  process.exitCode = 1;
}
