import { expect, test } from 'bun:test'
import { copyContainer, numberOfName } from '../../../../src/shared/docker/copy.ts'
import { NUMBER, REPLACES } from '../../../../src/shared/docker/labels.ts'
import { fakeContainer } from '../../../support/fake-engine.ts'

test('a copy has a number, a name and a host name of its own, and all else of what it copies', () => {
  const template = fakeContainer('ab', 'shop_worker_7', { [NUMBER]: '7', [REPLACES]: 'x', other: 'kept' })
  const { name, body } = copyContainer(template, 12)
  expect(name).toBe('shop_worker_12')
  expect(body).toMatchObject({
    Labels: { [NUMBER]: '12', other: 'kept' },
    HostConfig: template.HostConfig,
    User: 'bun',
  })
  expect(body.Labels).not.toHaveProperty([REPLACES])
  expect(body).not.toHaveProperty('Hostname')
  expect(body.NetworkingConfig.EndpointsConfig).toEqual({ p_default: { Aliases: ['worker'] } })
})

test('a host name that somebody chose is kept', () => {
  const template = fakeContainer('ab', 'p-worker-1', {})
  template.Config.Hostname = 'chosen'
  expect(copyContainer(template, 2).body).toMatchObject({ Hostname: 'chosen' })
})

test('the number of a name is its last part, from 1 to 9999', () => {
  expect(numberOfName('my-2nd-project-worker-3')).toBe(3)
  expect(numberOfName('p_worker_10')).toBe(10)
  for (const name of ['worker', 'worker-0', 'worker-007', 'worker-12345', 'worker3', '-1x', '']) {
    expect({ name, number: numberOfName(name) }).toEqual({ name, number: null })
  }
})
