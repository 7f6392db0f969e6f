import { readFileSync } from 'node:fs'

/**
 * Runs a block of the README that is marked with this word after `js`, as it stands there but for its first line, which
 * imports what comes with `tools` instead. Answers what it calls `name`.
 */
export function fromReadme<Value>(mark: string, name: string, tools: Readonly<Record<string, unknown>>): Value {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, block] = new RegExp(`^\`\`\`js ${mark}\\n(.*?)^\`\`\`$`, 'ms').exec(readme) ?? []
  const [importLine = '', ...lines] = block?.split('\n') ?? []
  if (!importLine.startsWith('import ')) throw new Error(`The README has no block “js ${mark}” with one import`)
  const run = new Function(...Object.keys(tools), `${lines.join('\n')}\nreturn ${name}`)
  return run(...Object.values(tools))
}
