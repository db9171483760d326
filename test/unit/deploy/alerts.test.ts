import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { settingsOf } from '../../../src/shared/settings-table.ts'

const FOLDER = join(import.meta.dir, '../../../deploy/prometheus')
const rules = await Bun.file(join(FOLDER, 'alerts.yml')).text()

interface Rules {
  groups: { rules: { alert: string; annotations: Record<string, string>; labels: { severity: string } }[] }[]
}
const alerts = (Bun.YAML.parse(rules) as Rules).groups.flatMap((group) => group.rules)

test('every alert says what happens and what to do, with settings that there are', () => {
  const settings = new Set(settingsOf('up').map(({ name }) => name))
  expect(alerts.length).toBeGreaterThan(5)
  for (const { alert, annotations, labels } of alerts) {
    expect({ alert, ...annotations }).toMatchObject({
      summary: expect.any(String),
      action: expect.any(String),
    })
    expect(['critical', 'warning', 'info']).toContain(labels.severity)
    const named = annotations.action?.match(/\b[A-Z]+(_[A-Z]+)+\b|\bAUTOSCALE\b/g) ?? []
    expect(named.filter((name) => !settings.has(name))).toEqual([])
  }
})

test('every alert is about metrics that the scheduler tells of, and has a test of its own', async () => {
  const metrics = await Bun.file(join(FOLDER, '../../src/scheduler/metrics.ts')).text()
  const named = [...new Set(rules.match(/taskmaster_\w+/g))]
  const isTold = (name: string) =>
    [name, name.replace('taskmaster_audit_', ''), name.replace('taskmaster_queue_', '')].some((one) =>
      new RegExp(`'${one}'`).test(metrics),
    )
  expect(named.filter((name) => !isTold(name))).toEqual([])
  const tests = await Bun.file(join(FOLDER, 'alerts.test.yml')).text()
  expect(alerts.map(({ alert }) => alert).filter((alert) => !tests.includes(`alertname: ${alert}`))).toEqual(
    [],
  )
})

test('Prometheus itself takes the rules and the configuration, and its tests of the rules pass', () => {
  if (!Bun.which('promtool'))
    return console.log('skipped: there is no promtool here (apt-get install prometheus)')
  for (const args of [
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ]) {
    const { exitCode, stdout, stderr } = Bun.spawnSync(['promtool', ...args], { cwd: FOLDER })
    expect({ exitCode, said: exitCode === 0 ? '' : `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: '' })
  }
})
