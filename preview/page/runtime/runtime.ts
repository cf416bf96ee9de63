/** Gives `@grafana/runtime` and `@grafana/data` what Grafana gives them when it starts. */
import {
  EventBusSrv,
  setTimeZoneResolver,
  standardFieldConfigEditorRegistry,
  standardTransformersRegistry,
} from '@grafana/data';
import { setAppEvents, setBackendSrv, setDataSourceSrv, setEchoSrv, setTemplateSrv } from '@grafana/runtime';
import { backendSrv } from './backendSrv';
import { dataSources } from './dataSourceSrv';
import { fieldConfigItems } from './fieldConfig';
import { templateSrv } from './templateSrv';
import { transformers } from './transformers';

export function setUpRuntime(): void {
  setTimeZoneResolver(() => 'browser');
  setBackendSrv(backendSrv);
  setTemplateSrv(templateSrv);
  setDataSourceSrv(dataSources);
  setAppEvents(new EventBusSrv());
  // Usage reports; there is nowhere to send them.
  setEchoSrv({ flush: () => {}, addBackend: () => {}, addEvent: () => {} });
  standardFieldConfigEditorRegistry.setInit(() => fieldConfigItems);
  standardTransformersRegistry.setInit(() => transformers);
}
