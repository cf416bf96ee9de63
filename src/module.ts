import { DataSourcePlugin } from '@grafana/data';
import { ConfigEditor } from './components/ConfigEditor';
import { QueryEditor } from './components/QueryEditor';
import { QueryHelp } from './components/QueryHelp';
import { RingsideDataSource } from './datasource';
import type { RingsideOptions, RingsideQuery, RingsideSecureOptions } from './types';

export const plugin = new DataSourcePlugin<RingsideDataSource, RingsideQuery, RingsideOptions, RingsideSecureOptions>(
  RingsideDataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(QueryHelp);
