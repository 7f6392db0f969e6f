import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const program = 'console.log("it runs")'

test.each(['18.20.4', '20.20.2', '23.11.1'])(
  'Node %s is told in one sentence which one is needed, and 78',
  (version) => {
    const pretence = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`
    const exit = run('--import', `data:text/javascript,${pretence}`)
    expect(exit).toMatchObject({ status: 78, stdout: '' })
    expect(exit.stderr).toMatch(new RegExp(`^ocean-graph needs Node 24 or newer, and this is Node ${version}: .+\\n$`))
  },
)

test('the Node that came along is fine', () => {
  expect(run()).toMatchObject({ status: 0, stdout: 'it runs\n', stderr: '' })
})

test('every script that runs the product asks first', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  const names = ['start', 'dev', 'demo', 'migrate', 'migrate:new', 'users:import', 'audit:verify', 'admin:grant']
  for (const name of names) {
    expect(scripts[name]).toMatch(
      /^node (--watch )?--import \.\/src\/require-node\.mjs (src|demo)\/[\w-]+\.ts( --new)?$/,
    )
  }
})

function run(...flags: string[]) {
  const options = { encoding: 'utf8', timeout: 60_000 } as const
  return spawnSync(process.execPath, [...flags, '--import', './src/require-node.mjs', '--eval', program], options)
}
