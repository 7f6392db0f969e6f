import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { jobsContract } from './jobs.contract.ts'

const serverUrl = process.env.TEST_DATABASE_URL ?? ''
const databaseName = `ocean_jobs_${randomBytes(6).toString('hex')}`

beforeAll(() => onServer(`create database ${databaseName}`))
afterAll(() => onServer(`drop database ${databaseName} with (force)`))

jobsContract('jobs in Postgres', { embedded: false, openPools })

async function openPools(): Promise<readonly [Pool, Pool]> {
  const url = new URL(serverUrl)
  url.pathname = `/${databaseName}`
  const pools = [openPool(url.href), openPool(url.href)] as const
  await pools[0].query('drop schema if exists pgboss cascade')
  return pools
}

function openPool(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 5, connectionTimeoutMillis: 5_000, query_timeout: 20_000 })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  return pool
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl, connectionTimeoutMillis: 5_000 })
  await client.connect()
  await client.query(statement)
  await client.end()
}
