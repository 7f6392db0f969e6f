import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { countTests, differingPaths, readFiles, restoreFiles } from './check.ts'

test('the last line counts the tests that passed and failed', () => {
  expect(countTests(reportOf(['passed', 'passed'], ['passed', 'failed']), true)).toEqual({ passed: 3, failed: 1 })
})

test('a test that did not run is a failure only where all must run', () => {
  const report = reportOf(['passed', 'skipped', 'todo', 'pending'])
  expect(countTests(report, false)).toEqual({ passed: 1, failed: 0 })
  expect(countTests(report, true)).toEqual({ passed: 1, failed: 3 })
})

test('a report without tests and a file that broke outside its tests are failures', () => {
  expect(countTests({ testResults: [] }, false)).toEqual({ passed: 0, failed: 1 })
  const broken = { name: 'b.test.ts', status: 'failed', assertionResults: [] }
  expect(countTests({ testResults: [broken] }, false)).toEqual({ passed: 0, failed: 1 })
  expect(countTests({ testResults: [...reportOf(['passed']).testResults, broken] }, false)).toEqual({
    passed: 1,
    failed: 1,
  })
})

test('generated files that changed, came or went are named and can be put back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ocean-graph-check-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const paths = [join(folder, 'single.md'), join(folder, 'absent.md'), join(folder, 'many')]
  const write = (name: string, text: string) => writeFile(join(folder, name), text)
  await write('single.md', 'one\u00e9')
  await mkdir(join(folder, 'many/deep'), { recursive: true })
  for (const name of ['many/same.ts', 'many/gone.ts', 'many/deep/changed.ts']) await write(name, 'one')
  const before = readFiles(paths)
  expect(before.size).toBe(4)
  expect(differingPaths(before, readFiles(paths))).toEqual([])

  await write('single.md', 'two')
  await write('many/deep/changed.ts', 'two')
  await write('many/new.ts', 'one')
  await rm(join(folder, 'many/gone.ts'))
  const names = ['many/deep/changed.ts', 'many/gone.ts', 'many/new.ts', 'single.md']
  const differing = differingPaths(before, readFiles(paths))
  expect(differing).toEqual(names.map((name) => join(folder, name)))

  restoreFiles(before, differing)
  expect(readFiles(paths)).toEqual(before)
})

function reportOf(...files: string[][]) {
  return {
    testResults: files.map((statuses, index) => ({
      name: `${index}.test.ts`,
      status: statuses.includes('failed') ? 'failed' : 'passed',
      assertionResults: statuses.map((status) => ({ status })),
    })),
  }
}
