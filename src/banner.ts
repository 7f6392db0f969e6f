import type { Config } from './config.ts'
import type { DemoAccount } from './demo-workspace.ts'
import { serviceHost } from './platform/service-unreachable.ts'
import { graphqlPath } from './transport/yoga.ts'

/** What a person should know about a server that has just started. */
export function banner(config: Config, url: string, demo: DemoAccount | null): string {
  const lines = [
    ['GraphiQL', `${reachable(url)}${graphqlPath}`],
    [
      'Database',
      config.services === null ? `embedded Postgres in ${config.dataDir}` : hostOf(config.services.databaseUrl),
    ],
    ['Channels', config.services === null ? 'in this process' : `Redis at ${hostOf(config.services.redisUrl)}`],
    ['Mail', config.smtpUrl === null ? `files in ${config.dataDir}/mail` : hostOf(config.smtpUrl)],
    ...(demo === null ? [] : [['Demo', `sign in as ${demo.email} with ${demo.password}`]]),
  ]
  return `\nocean-graph is ready\n${lines.map(([name, text]) => `  ${name?.padEnd(9)} ${text}`).join('\n')}\n`
}

/** A wildcard is where a server listens, and no address to open in a browser. */
function reachable(url: string): string {
  return url.replace(/^http:\/\/(0\.0\.0\.0|\[::\])(?=:)/, 'http://localhost')
}

/** The address of a service without its credentials. */
function hostOf(url: string): string {
  const { pathname } = new URL(url)
  return `${serviceHost(url)}${pathname === '/' ? '' : pathname}`
}
