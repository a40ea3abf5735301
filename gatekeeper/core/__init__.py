"""Pure: values in, values out. No files, no network, no clock; numpy and pyarrow are fine."""
